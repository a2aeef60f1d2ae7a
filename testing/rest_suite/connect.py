"""Connects to the instances that the options name: a session, with or without probing."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from . import options as command_line
from .api import Session
from .case import DELETE, READ, WRITE
from .client import Client, Connection
from .compare import Comparison
from .probe import InstanceInfo, probe, split_url


def connected(options: Namespace) -> Session:
    """Probe the instances; raise Unreachable or UsageError."""
    credentials = command_line.credentials(options)
    client, path = _client(options, "--url")
    instance = _probed(client, path, options)
    session = Session(client, credentials, instance, _allowed(options))
    if not options.compare:
        return session
    other, path = _client(options, "--compare")
    others = _probed(other, path, options)
    # what only one of them has, or has on purpose otherwise, is no news
    common = replace(instance, debug=instance.debug and others.debug)
    return replace(session, instance=common, mirror=Comparison(other, instance.prefix, others))


def reconnected(options: Namespace, instance: InstanceInfo) -> Session:
    """Return a session with an instance that was probed before."""
    client, _ = _client(options, "--url")
    return Session(client, command_line.credentials(options), instance, _allowed(options))


def _allowed(options: Namespace) -> frozenset[int]:
    writing = {WRITE} if options.allow_writes else set()
    return frozenset({READ} | writing | ({DELETE} if options.allow_deletes else set()))


def _client(options: Namespace, option: str) -> tuple[Client, str | None]:
    """Return a client of the instance that an option names, and the path of its URL."""
    origin, path = split_url(getattr(options, option.strip("-")), option)
    connection = Connection(
        origin,
        command_line.headers(options),
        command_line.verification(options),
        options.timeout,
    )
    return Client(connection), path


def _probed(client: Client, path: str | None, options: Namespace) -> InstanceInfo:
    return probe(
        client,
        command_line.credentials(options),
        prefix=options.prefix or path,
        profile=options.profile,
        message_limit=options.message_limit,
    )
