"""`export`: writes the tables to CSV, JSON lines or Parquet, in a folder or an S3 bucket."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..config.options import Config, StorageConfig
from ..db import export as db
from ..db.engine import Database
from ..db.sqlite import SqlitePlace
from ..db.storage import SqlHealth, databases
from ..errors import AggregatorError, ConfigError
from ..export.formats import FORMATS, ExporterCsv
from ..export.manifest import Manifest
from ..export.places import S3, Place, place
from ..model import utc_now
from . import arguments, targets, terminal

DONE, FAILED, INTERRUPTED = 0, 1, 130
LAYOUTS = ("plain", "exporter")
LARGEST_ORGANIZATION = 2**32 - 1
STATUS = """\
Exit status: 0 done, 1 failure, 2 wrong usage or configuration, 130 interrupted. Files that are
complete stay; --resume continues with the others."""


class _Interrupted(Exception):
    """Ctrl-C: the file in hand is discarded."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Write tables of the OCP and DVO storages to files, one a table, as they were at one "
        "moment. The service may run meanwhile. A file appears under its name when it is "
        "complete; _export.json lists the complete ones. S3 takes its credentials and region from "
        "the environment (AWS_ACCESS_KEY_ID ...), as the AWS tools do.",
        "export ./2026-03-01",
        "export --format parquet --tables report,rule_hit --since 1d s3://bucket/insights",
        "export --layout exporter --organizations organizations.csv s3://bucket/export",
        status=STATUS,
    )
    add = parser.add_argument
    add("target", metavar="DIR|s3://BUCKET/PREFIX", help="where to; a folder is created")
    add("--format", choices=sorted(FORMATS),
        help="csv, jsonl, or parquet (extra [parquet]) (default: csv)")  # fmt: skip
    add("--tables", default="", metavar="A,B", help="only these tables (default: all)")
    add("--organizations", default="", metavar="FILE|A,B",
        help="only rows of these organizations, in every table: a list, or a CSV file with one a "
        "line. Of consumer_error, messages whose organization is unknown are left out")  # fmt: skip
    add("--since", type=arguments.moment, metavar="TIME",
        help="only rows written at or after: ISO 8601 (UTC without a zone), or 90m, 2h, 7d ago; a "
        "report by reported_at, a row without a time not at all")  # fmt: skip
    add("--layout", choices=LAYOUTS, default="plain",
        help="`exporter`: values, file names and metadata files (_tables.csv, _metadata.csv, "
        "_disabled_rules.csv, _logs.txt) as the Go exporter writes them")  # fmt: skip
    add("--resume", action="store_true",
        help="keep the files that an interrupted export has completed there; the others are of "
        "the present state")  # fmt: skip
    add("--endpoint-url", default="", metavar="URL", help="of S3, if not Amazon's")
    arguments.add_json(parser)


def run(config: Config, options: argparse.Namespace) -> int:
    """Export the tables; return 0, 1 on failure, 130 on ^C."""
    _check(options)
    chosen = db.Filter(
        _organizations(options.organizations) if options.organizations else None,
        options.since.astimezone(UTC).replace(tzinfo=None) if options.since else None,
    )
    found = _databases(config)
    names = _tables(options.tables, found)
    targets.name_databases(config, *(f"{name}_recommendations" for name in found))
    terminal.say(f"export to {options.target}")
    try:
        to = place(options.target, options.endpoint_url)
        parameters = _parameters(options, names, chosen)
        manifest = Manifest.resumed(to, parameters) if options.resume else Manifest(parameters)
        export = Export(to, options, chosen, manifest)
        interrupted = asyncio.run(_run(export, found, names))
    except AggregatorError as error:
        terminal.say(f"export: {error}")
        return FAILED
    _print(options, manifest)
    if interrupted:
        terminal.say("interrupted; --resume continues")
    return INTERRUPTED if interrupted else DONE


def _check(options: argparse.Namespace) -> None:
    """Raise UsageError for options that do not go together."""
    if options.layout == "exporter" and options.format not in (None, "csv"):
        raise arguments.UsageError("--layout exporter is CSV, so it excludes --format")
    if options.endpoint_url and not options.target.startswith(S3):
        raise arguments.UsageError("--endpoint-url needs a target s3://BUCKET/PREFIX")


def _organizations(text: str) -> frozenset[int]:
    """Return the organizations of a list or file; raise UsageError."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    if items and all(item.isascii() and item.isdigit() for item in items):
        return frozenset(_organization(item, "") for item in items)
    try:
        with Path(text).open(newline="", encoding="utf-8-sig") as file:
            lines = [(number, line[0].strip()) for number, line in enumerate(csv.reader(file), 1)
                     if line and line[0].strip()]  # fmt: skip
    except (OSError, ValueError, csv.Error) as error:
        raise arguments.UsageError(
            f"--organizations: neither a list of numbers nor a readable file: {error}"
        ) from None
    if lines and not lines[0][1].isdigit():
        # a header, as in the lists of the Go service and its exporter
        del lines[0]
    if not lines:
        raise arguments.UsageError(f"--organizations: '{text}' names no organization")
    return frozenset(_organization(item, f"'{text}' line {number}: ") for number, item in lines)


def _organization(item: str, where: str) -> int:
    right = item.isascii() and item.isdigit() and len(item) <= len(str(LARGEST_ORGANIZATION))
    if not right or int(item) > LARGEST_ORGANIZATION:
        raise arguments.UsageError(
            f"--organizations: {where}an organization expected, not '{item[:40]}'"
        )
    return int(item)


def _databases(config: Config) -> dict[str, Database]:
    """Return those of the SQL storages, `ocp` and `dvo`; raise ConfigError without one."""
    ocp, dvo = config.ocp_recommendations_storage, config.dvo_recommendations_storage
    none = StorageConfig(type="noop")
    found = databases(ocp if _holds_data(ocp) else none, dvo if _holds_data(dvo) else none)
    if not found:
        raise ConfigError("there is no SQL storage to export, or it is in memory")
    return found


def _holds_data(section: StorageConfig) -> bool:
    place = SqlitePlace(section.sqlite_datasource)
    return section.type == "sql" and not (section.db_driver == "sqlite3" and place.in_memory)


def _tables(text: str, found: dict[str, Database]) -> list[str]:
    """Return the names of the tables to export; raise UsageError for an unknown one."""
    known = [table.name for table in _all_tables(found)]
    named = [name.strip() for name in text.split(",") if name.strip()]
    for name in named:
        if name not in known:
            raise arguments.UsageError(
                f"--tables: invalid choice: '{name}' (choose from {', '.join(known)})"
            )
    return [name for name in known if not named or name in named]


def _all_tables(found: dict[str, Database]) -> list[db.Exported]:
    return db.tables("postgresql", ocp="ocp" in found, dvo="dvo" in found)


def _parameters(
    options: argparse.Namespace, names: Sequence[str], chosen: db.Filter
) -> dict[str, Any]:
    organizations = chosen.organizations
    return {
        "format": options.format or "csv",
        "layout": options.layout,
        "tables": list(names),
        "organizations": None if organizations is None else sorted(organizations),
        "since": chosen.since.isoformat() + "Z" if chosen.since else None,
    }


class Export:
    """An export on its way: writes tables to a destination and keeps its manifest."""

    def __init__(
        self, to: Place, options: argparse.Namespace, chosen: db.Filter, manifest: Manifest
    ) -> None:
        self._to = to
        self._chosen = chosen
        self.manifest = manifest
        self._suffix = options.format or "csv"
        self._exporter = options.layout == "exporter"
        self._format = ExporterCsv if self._exporter else FORMATS[self._suffix]
        self._log: list[dict[str, str]] = []

    def lacks(self, table: str) -> bool:
        """Return True if the table is not complete yet."""
        return table not in self.manifest.tables

    async def write(
        self, snapshot: db.Snapshot, table: db.Exported, bar: _Bar, interrupted: asyncio.Event
    ) -> None:
        """Write one table, and then the manifest; raise _Interrupted."""
        file, at, rows = f"{table.name}.{self._suffix}", utc_now(), 0
        await bar.begin(snapshot, table, self._chosen)
        with self._to.create(file) as stream:
            writer = self._format(stream, table.columns)
            async for chunk in snapshot.rows(table, self._chosen):
                # in a thread, so that ^C is seen while a slow destination takes it
                await asyncio.to_thread(writer.write, chunk)
                rows += len(chunk)
                bar.advance(len(chunk))
                if interrupted.is_set():
                    raise _Interrupted
            await asyncio.to_thread(writer.finish)
        self._note(f"{rows} records of table {table.name} exported to {file}")
        self.manifest.add(table.name, file, rows, table.unattributed, at)
        self.manifest.write(self._to)

    async def write_disabled_rules(self, snapshot: db.Snapshot) -> None:
        """Write which rules several organizations have acknowledged, for the exporter's layout."""
        if self._exporter:
            rules = await snapshot.disabled_rules(self._chosen)
            self._write_csv("_disabled_rules.csv", [("Rule", "Count"), *rules])

    def finish(self) -> None:
        """Write the metadata files, and the manifest as complete."""
        if self._exporter:
            tables = self.manifest.tables
            self._write_csv("_tables.csv", [("Table name",), *((name,) for name in tables)])
            records = ((name, done["rows"]) for name, done in tables.items())
            self._write_csv("_metadata.csv", [("Table name", "Records"), *records])
            with self._to.create("_logs.txt") as stream:
                stream.write("".join(json.dumps(line) + "\n" for line in self._log).encode())
        self.manifest.complete = True
        self.manifest.write(self._to)

    def _note(self, message: str) -> None:
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._log.append({"level": "info", "time": time, "message": message})

    def _write_csv(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        with self._to.create(name) as stream:
            stream.write(text.getvalue().encode())


class _Bar:
    """Progress of the table in hand; rows are only counted when somebody sees it."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    async def begin(self, snapshot: db.Snapshot, table: db.Exported, chosen: db.Filter) -> None:
        """Show the name of the table."""
        seen = not self._progress.disable
        total = await snapshot.count(table, chosen) if seen else None
        self._progress.reset(self._task, total=total, description=table.name)

    def advance(self, rows: int) -> None:
        """Count rows that are written."""
        self._progress.advance(self._task, rows)


async def _run(export: Export, found: dict[str, Database], names: Sequence[str]) -> bool:
    """Export from all databases; return True when it was interrupted."""
    try:
        await SqlHealth(found).require_latest()
        with terminal.until_interrupted() as interrupted, terminal.progress() as progress:
            for database in dict.fromkeys(found.values()):
                await _export_database(export, found, database, names, _Bar(progress), interrupted)
        export.finish()
    except _Interrupted:
        return True
    finally:
        for database in dict.fromkeys(found.values()):
            await database.close()
    return False


async def _export_database(
    export: Export,
    found: dict[str, Database],
    database: Database,
    names: Sequence[str],
    bar: _Bar,
    interrupted: asyncio.Event,
) -> None:
    """Export the tables of the storages that are in this database, out of one snapshot."""
    ocp, dvo = (found.get(name) is database for name in ("ocp", "dvo"))
    tables = [one for one in db.tables(database.dialect, ocp=ocp, dvo=dvo) if one.name in names]
    async with db.snapshot(database) as snapshot:
        for table in tables:
            if export.lacks(table.name):
                await export.write(snapshot, table, bar, interrupted)
        if ocp:
            await export.write_disabled_rules(snapshot)


def _print(options: argparse.Namespace, manifest: Manifest) -> None:
    """Print the complete tables with their rows."""
    if options.json:
        print(json.dumps(manifest.document(), indent=2))
        return
    table = terminal.table(None, "table", "file", "rows", numbers=("rows",))
    for name, done in manifest.tables.items():
        terminal.add_row(table, name, done["file"], str(done["rows"]))
    terminal.add_row(table, "total", "", str(manifest.document()["rows"]))
    terminal.show(table)
    left_out = sum(done["rows_of_unknown_organization"] for done in manifest.tables.values())
    if left_out:
        terminal.say(f"{left_out} invalid messages name no organization, so they were left out")
