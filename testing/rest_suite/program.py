"""The program: reach the instance, find data, run the cases, say how it went."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rich.console import Console

from . import fuzz, latency, reports
from . import options as command_line
from .api import Api, Session
from .case import (
    DELETE,
    READ,
    WRITE,
    Case,
    collect,
    select,
)
from .checks import CheckFailed
from .client import Client, Connection
from .compare import Comparison
from .credentials import Credentials
from .data import Inventory
from .probe import (
    InstanceInfo,
    Unreachable,
    UsageError,
    probe,
    split_url,
)
from .progress import Display
from .reports import text
from .result import Outcome
from .runner import Run
from .sources import kafka, seed_file
from .sources.discovery import discover
from .summary import Summary

PASSED, FAILURES, USAGE, UNREACHABLE, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    console = Console(stderr=True, highlight=False)
    try:
        options = command_line.parse(sys.argv[1:] if argv is None else argv)
        cases = select(collect(), options.only, options.skip)
        if options.list:
            _list(cases)
            return PASSED if cases else NOTHING
        if not cases:
            console.print("rest_suite: no case fits --only and --skip (see --list)")
            return NOTHING
        return _test(options, cases, console)
    except UsageError as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return USAGE
    except (Unreachable, CheckFailed) as error:
        console.print(f"rest_suite: {error}", markup=False, soft_wrap=True)
        return UNREACHABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _list(cases: Sequence[Case]) -> None:
    try:
        for case in cases:
            print(f"{case.id:60} {case.sentence}")
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads the list has enough of it, and nothing may be flushed to it any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _test(options: argparse.Namespace, cases: Sequence[Case], console: Console) -> int:
    budgets = latency.chosen(options.budget)
    reports.demand_writable(options.report)
    if options.fuzz:
        fuzz.program()
    moment, start = datetime.now().astimezone(), time.monotonic()
    session = _session(options)
    inventory = _inventory(options, session)
    with Display(console, len(cases) * options.repeat) as display:
        run = Run(session, inventory, options.workers, options.fail_fast, display.finished)
        results = run.all(cases, options.repeat)
    latencies = latency.latencies(timing for result in results for timing in result.timings)
    if any(result.outcome is not Outcome.SKIPPED for result in results):
        results += latency.judged(budgets, latencies)
    results += session.mirror.results() if session.mirror else []
    if options.fuzz and not run.interrupted:
        results.append(fuzz.fuzzed(session, options.fuzz))
    summary = Summary(
        url=session.client.connection.url,
        instance=session.instance,
        data=str(inventory),
        moment=moment,
        seconds=time.monotonic() - start,
        results=results,
        latencies=latencies,
        interrupted=run.interrupted,
    )
    text.show(summary, console)
    reports.write(options.report, summary)
    return _status(summary)


def _session(options: argparse.Namespace) -> Session:
    credentials = command_line.credentials(options)
    client, instance = _reach(options, "--url", credentials)
    allowed = {READ} | ({WRITE} if options.allow_writes else set())
    allowed |= {DELETE} if options.allow_deletes else set()
    session = Session(client, credentials, instance, frozenset(allowed))
    if not options.compare:
        return session
    other, others = _reach(options, "--compare", credentials)
    # what only one of them has, or has on purpose otherwise, is no news
    common = replace(instance, debug=instance.debug and others.debug)
    return replace(session, instance=common, mirror=Comparison(other, instance.prefix, others))


def _reach(
    options: argparse.Namespace, option: str, credentials: Credentials
) -> tuple[Client, InstanceInfo]:
    """Return a client of the instance that an option names, and what there is to know of it."""
    origin, path = split_url(getattr(options, option.strip("-")), option)
    client = Client(
        Connection(
            origin,
            command_line.headers(options),
            command_line.verification(options),
            options.timeout,
        )
    )
    instance = probe(
        client,
        credentials,
        prefix=options.prefix or path,
        profile=options.profile,
        message_limit=options.message_limit,
    )
    return client, instance


def _inventory(options: argparse.Namespace, session: Session) -> Inventory:
    """Return the data to test with; none of its requests go to the instance compared with."""
    api = Api(replace(session, mirror=None))
    organization = session.credentials.organization
    if options.data == "discover":
        return discover(api)
    if options.data == "fixtures":
        return seed_file.seeded(organization=organization)
    if options.data.startswith("kafka:"):
        return kafka.produced(api, kafka.parse(options.data))
    if options.data.endswith(".json"):
        return seed_file.seeded(options.data, organization)
    raise UsageError(f"--data: discover, fixtures or {kafka.FORM} expected, not '{options.data}'")


def _status(summary: Summary) -> int:
    if summary.interrupted:
        return INTERRUPTED
    if summary.failures:
        return FAILURES
    return PASSED if summary.counts[Outcome.PASSED] else NOTHING
