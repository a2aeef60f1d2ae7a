"""`db-status`: prints versions, sizes, oldest rows, missing indexes and settings that matter."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..config.options import Config, StorageConfig
from ..db.engine import Database
from ..db.status import DatabaseStatus, status_of
from ..db.storage import SqlHealth, databases
from ..db.url import describe
from ..errors import ConfigError
from ..processes.workers import wanted
from . import arguments, targets, terminal

STORAGES = {"ocp": "ocp_recommendations", "dvo": "dvo_recommendations"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Print the schema versions, tables (rows, bytes, dead rows, oldest row), missing indexes "
        "and settings of the databases in use, and what to change at their size. Rows of large "
        "tables are PostgreSQL's estimate. Nothing is changed.",
        "db-status",
        "db-status --json",
    )
    arguments.add_json(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    """Print the status of each database; raise Unavailable."""
    found = databases(config.ocp_recommendations_storage, config.dvo_recommendations_storage)
    if not found:
        raise ConfigError("there is no SQL storage")
    targets.name_databases(config, *(STORAGES[name] for name in found))
    statuses = asyncio.run(_read(config, found))
    if options.json:
        print(json.dumps(statuses, indent=2, default=_plain))
    else:
        for status in statuses:
            _print(status)
    return 0


async def _read(config: Config, found: dict[str, Database]) -> list[dict[str, Any]]:
    health = SqlHealth(found)
    statuses = []
    try:
        versions = dict(zip(("ocp", "dvo"), await health.schema_versions(), strict=True))
        for database in dict.fromkeys(found.values()):
            names = [name for name in found if found[name] is database]
            section: StorageConfig = getattr(config, f"{STORAGES[names[0]]}_storage")
            status = await status_of(
                database,
                ocp="ocp" in names and versions["ocp"] not in ("0",),
                dvo="dvo" in names and versions["dvo"] not in ("0",),
                connections=wanted(config) * section.pg_pool_size,
            )
            statuses.append(
                {
                    "database": describe(section),
                    "schema_versions": {name: versions[name] for name in names},
                    **asdict(status),
                }
            )
    finally:
        await health.close()
    return statuses


def _print(found: dict[str, Any]) -> None:
    status = DatabaseStatus(**{name: found[name] for name in DatabaseStatus.__dataclass_fields__})
    versions = ", ".join(
        f"{name.upper()} {text}" for name, text in found["schema_versions"].items()
    )
    overview = terminal.table(None, "", "")
    terminal.add_row(overview, "schema version", versions)
    terminal.add_row(overview, "size", f"{status.size} bytes")
    for name, value in status.settings.items():
        terminal.add_row(overview, name, value)
    terminal.show(overview)
    numbers = ("rows", "bytes", "dead rows")
    table = terminal.table("", "table", *numbers, "oldest (UTC)", numbers=numbers)
    for one in found["tables"]:
        shown = (
            "-" if one[key] is None else str(one[key]) for key in ("rows", "size", "dead_rows")
        )
        oldest = one["oldest"]
        terminal.add_row(
            table, one["name"], *shown, f"{oldest:%Y-%m-%d %H:%M:%S}" if oldest else "-"
        )
    terminal.show(table)
    for index in status.missing_indexes:
        print(f"missing index: {index}")
    for line in status.advice:
        print(f"advice: {line}")


def _plain(value: Any) -> str:
    return value.isoformat(timespec="seconds") + "Z" if isinstance(value, datetime) else str(value)
