"""`check-config`: loads the configuration and connects to everything that it names."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ..config import loading
from ..config.allowlist import read_allowlist
from ..config.options import Config, StorageConfig, reported_later
from ..errors import AggregatorError, ConfigError
from . import arguments, terminal

HEALTHY, FAILED, BAD_CONFIG = 0, 1, 2
TIMEOUT_SECONDS = 10.0
OK, BAD, UNUSED, NOTE = "ok", "failed", "unused", "note"
_STYLES = {OK: "green", BAD: "red", NOTE: "yellow", UNUSED: ""}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found: of what, its state, and details."""

    checked: str
    state: str
    detail: str = ""


Check = Callable[[], Awaitable[str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Load the configuration, report unknown and retired options, and connect to every "
        "dependency that it names: databases and schema versions, topics, Redis, files. Nothing "
        "is changed.",
        "check-config",
        "check-config --timeout 3 --json",
        status="Exit status: 0 everything works, 1 something does not, 2 the configuration cannot "
        "be loaded.",
    )
    parser.add_argument(
        "--timeout", type=arguments.seconds, default=TIMEOUT_SECONDS, metavar="SECONDS",
        help=f"for each dependency (default: {TIMEOUT_SECONDS:g})",
    )  # fmt: skip
    arguments.add_json(parser)


def run(_config: Config, options: argparse.Namespace) -> int:
    """Print the findings; return 0, 1 or 2."""
    terminal.hush()
    try:
        config = loading.load_here()
    except ConfigError as error:
        _print([Finding("configuration", BAD, str(error))], options)
        return BAD_CONFIG
    found = [
        *_of_options(config),
        *_of_files(config),
        *asyncio.run(_of_dependencies(config, options)),
    ]
    _print(found, options)
    return FAILED if any(one.state == BAD for one in found) else HEALTHY


def _of_options(config: Config) -> Iterator[Finding]:
    wrong = reported_later(config)
    files = sorted({origin for _, origin in config.origins if origin.startswith("file ")})
    if not wrong:
        yield Finding("configuration", OK, ", ".join(files) or "defaults and environment")
    for line in wrong:
        yield Finding("configuration", BAD, line)
    for line in (*config.warnings, *config.retired):
        yield Finding("configuration", NOTE, line)


def _of_files(config: Config) -> Iterator[Finding]:
    broker, server, logging = config.broker, config.server, config.logging
    for name in ("api_spec_file", "jwt_key_file", "jwt_jwks_file"):
        if path := getattr(server, name):
            yield _readable(f"server.{name}", path)
    if broker.enabled and broker.enable_org_allowlist:
        try:
            count = len(read_allowlist(config.processing.org_allowlist_file))
            yield Finding("processing.org_allowlist_file", OK, f"{count} organizations")
        except AggregatorError as error:
            yield Finding("processing.org_allowlist_file", BAD, str(error))
    if logging.logging_to_sentry_enabled:
        yield _sink("sentry", "sentry_sdk", "dsn", config.sentry.dsn)
    if logging.logging_to_cloud_watch_enabled:
        yield _sink("cloudwatch", "watchtower", "log_group", config.cloudwatch.log_group)


def _readable(name: str, path: str) -> Finding:
    try:
        with Path(path).open("rb"):
            return Finding(name, OK, path)
    except OSError as error:
        return Finding(name, BAD, f"cannot read '{path}': {error.strerror}")


def _sink(section: str, package: str, option: str, value: str) -> Finding:
    if not value:
        return Finding(section, BAD, f"{section}.{option} is empty")
    if find_spec(package) is None:
        return Finding(section, BAD, f"package {package} is not installed (extra [sinks])")
    return Finding(section, OK, "configured; not connected to")


async def _of_dependencies(config: Config, options: argparse.Namespace) -> list[Finding]:
    found = []
    for name, check in (*_storages(config), *_brokers(config)):
        if isinstance(check, str):
            found.append(Finding(name, UNUSED, check))
            continue
        try:
            async with asyncio.timeout(options.timeout or None):
                found.append(Finding(name, OK, await check()))
        except AggregatorError as error:
            found.append(Finding(name, BAD, str(error)))
        except TimeoutError:
            found.append(Finding(name, BAD, f"no answer in {options.timeout:g} s"))
    return found


def _storages(config: Config) -> Iterator[tuple[str, Check | str]]:
    for kind in ("ocp", "dvo"):
        name = f"{kind}_recommendations_storage"
        section: StorageConfig = getattr(config, name)
        if section.type == "sql":
            yield name, partial(_database, kind, section)
            if section.pg_read_host:
                yield f"{name}.pg_read_host", partial(_replica, section)
        elif section.type == "redis":
            yield "redis", partial(_redis, config)
        else:
            yield name, f"type is '{section.type}'"


async def _database(kind: str, section: StorageConfig) -> str:
    from ..db.engine import Database, connect
    from ..db.storage import SqlHealth
    from ..db.url import describe

    database = Database(connect(section))
    health = SqlHealth({kind: database})
    try:
        await health.require_latest()
        version = next(text for text in await health.schema_versions() if text.isdigit())
        return f"{describe(section)}, schema version {version}"
    finally:
        await health.close()


async def _replica(section: StorageConfig) -> str:
    import sqlalchemy as sa

    from ..db.engine import Database, connect

    database = Database(connect(section, read_replica=True))
    try:
        await database.rows(sa.select(sa.literal(1)))
        return section.pg_read_host
    finally:
        await database.close()


async def _redis(config: Config) -> str:
    from ..db import cache

    reports = cache.RedisReports(cache.connect(config.redis))
    try:
        await reports.check()
        return f"{config.redis.endpoint}, database {config.redis.database}"
    finally:
        await reports.close()


def _brokers(config: Config) -> Iterator[tuple[str, Check | str]]:
    from ..ingest.consumers import sources

    broker = config.broker
    if not broker.enabled:
        yield "broker", "broker.enabled is false"
        return
    if not reported_later(config):
        for topic, group in sources(config):
            yield f"topic {topic}", partial(_readable_topic, config, topic, group)
    for name in ("dead_letter_queue_topic", "payload_tracker_topic"):
        if topic := getattr(broker, name):
            yield f"topic {topic}", partial(_writable_topic, config, topic)


async def _readable_topic(config: Config, topic: str, group: str) -> str:
    from ..ingest.kafka.admin import open_brokers

    async with open_brokers(config.broker) as brokers:
        partitions = await brokers.partitions(topic)
        committed = await brokers.committed(group, partitions)
    addresses = ",".join(config.broker.addresses)
    return (
        f"{addresses}, {len(partitions)} partitions, group {group} has committed offsets of "
        f"{len(committed)}"
    )


async def _writable_topic(config: Config, topic: str) -> str:
    from ..ingest.kafka.admin import require_writable

    await require_writable(config.broker, topic)
    return "accepts messages"


def _print(found: list[Finding], options: argparse.Namespace) -> None:
    if options.json:
        document = {"ok": all(one.state != BAD for one in found)}
        print(json.dumps(document | {"checks": [asdict(one) for one in found]}, indent=2))
        return
    table = terminal.table(None, "checked", "state", "detail")
    for one in found:
        terminal.add_row(table, one.checked, one.state, one.detail, style=_STYLES[one.state])
    terminal.show(table)
