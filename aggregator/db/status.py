"""Status of a database: versions, sizes, oldest rows, missing indexes, settings that matter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import tables as t
from .engine import Database

# from this size on the settings of performance.md make a difference
MANY_ROWS = 100_000
GIBIBYTE = 1024**3
_OLDEST = {
    t.report.name: t.report.c.reported_at,
    t.rule_hit.name: t.rule_hit.c.created_at,
    t.recommendation.name: t.recommendation.c.created_at,
    t.consumer_error.name: t.consumer_error.c.consumed_at,
    t.dvo_report.name: t.dvo_report.c.last_checked_at,
}
_SETTINGS = (
    "server_version", "shared_buffers", "wal_compression", "max_wal_size", "checkpoint_timeout",
    "autovacuum", "max_connections",
)  # fmt: skip
_pg_class = sa.table("pg_class", sa.column("oid"), sa.column("reltuples"))
_pg_stat = sa.table("pg_stat_user_tables", sa.column("relid"), sa.column("n_dead_tup"))
_pg_settings = sa.table("pg_settings", sa.column("name"), sa.column("setting"), sa.column("unit"))
_UNITS = {"8kB": 8192, "kB": 1024, "MB": 1024**2, "s": 1}


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A table: its rows (an estimate on PostgreSQL), size in bytes, dead rows, oldest time."""

    name: str
    rows: int
    size: int | None
    dead_rows: int | None
    oldest: datetime | None


@dataclass
class DatabaseStatus:
    """What is known about one database; sizes are bytes."""

    size: int = 0
    tables: list[TableStatus] = field(default_factory=list)
    missing_indexes: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)


async def status_of(
    database: Database, *, ocp: bool, dvo: bool, connections: int
) -> DatabaseStatus:
    """Return the status; raise Unavailable. `connections` is what the service may open."""
    tables = [
        table for table in t.metadata.sorted_tables if (dvo if table is t.dvo_report else ocp)
    ]
    found = DatabaseStatus()
    async with database.reachable(), database.snapshot() as connection:
        if database.dialect == "postgresql":
            await _read_postgresql(connection, tables, found)
            found.advice += _advice(found, connections)
        else:
            await _read_sqlite(connection, tables, found, database.engine.url.database or "")
        found.missing_indexes = await connection.run_sync(_missing_indexes, tables)
    if found.missing_indexes:
        found.advice.insert(0, "create the missing indexes: migration latest")
    return found


async def _read_postgresql(
    connection: AsyncConnection, tables: Sequence[sa.Table], found: DatabaseStatus
) -> None:
    size = sa.select(sa.func.pg_database_size(sa.func.current_database()))
    found.size = (await connection.execute(size)).scalar_one()
    for table in tables:
        oid = sa.func.to_regclass(f"{table.schema or 'public'}.{table.name}")
        estimate = sa.select(_pg_class.c.reltuples).where(_pg_class.c.oid == oid).scalar_subquery()
        dead = sa.select(_pg_stat.c.n_dead_tup).where(_pg_stat.c.relid == oid).scalar_subquery()
        statement = sa.select(estimate, dead, sa.func.pg_total_relation_size(oid))
        rows, dead_rows, table_size = (await connection.execute(statement)).one()
        if rows is None or rows < MANY_ROWS:
            # a table that was never analyzed has no estimate, and a small one is soon counted
            rows = await _count(connection, table)
        oldest = await _oldest(connection, table)
        found.tables.append(TableStatus(table.name, int(rows), table_size, dead_rows, oldest))
    settings = sa.select(_pg_settings).where(_pg_settings.c.name.in_(_SETTINGS))
    for name, setting, unit in await connection.execute(settings):
        found.settings[name] = _readable(setting, unit)


async def _read_sqlite(
    connection: AsyncConnection, tables: Sequence[sa.Table], found: DatabaseStatus, file: str
) -> None:
    for table in tables:
        oldest = await _oldest(connection, table)
        found.tables.append(
            TableStatus(table.name, await _count(connection, table), None, None, oldest)
        )
    for name in ("journal_mode", "page_size", "page_count", "freelist_count"):
        value = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
        found.settings[name] = str(value)
    found.size = int(found.settings["page_size"]) * int(found.settings["page_count"])
    wal = f"{file}-wal"
    found.settings["wal_size"] = _bytes(os.path.getsize(wal) if os.path.exists(wal) else 0)


async def _count(connection: AsyncConnection, table: sa.Table) -> int:
    statement = sa.select(sa.func.count()).select_from(table)
    return (await connection.execute(statement)).scalar_one()


async def _oldest(connection: AsyncConnection, table: sa.Table) -> datetime | None:
    column = _OLDEST.get(table.name)
    if column is None:
        return None
    oldest: datetime | None = (await connection.execute(sa.select(sa.func.min(column)))).scalar()
    return oldest


def _missing_indexes(conn: sa.Connection, tables: Sequence[sa.Table]) -> list[str]:
    inspector, postgresql = sa.inspect(conn), conn.dialect.name == "postgresql"
    missing = []
    for table in tables:
        schema = table.schema if postgresql else None
        present = {index["name"] for index in inspector.get_indexes(table.name, schema=schema)}
        for index in table.indexes:
            # covering indexes and hash indexes are PostgreSQL's
            includes = index.dialect_options["postgresql"]["include"]
            if index.name not in present and (postgresql or not includes):
                missing.append(f"{index.name} on {table.name}")
    return sorted(missing)


def _advice(found: DatabaseStatus, connections: int) -> Iterator[str]:
    """Yield which settings to change, of docs/operations.md."""
    settings = found.settings
    if settings.get("autovacuum") == "off":
        yield "autovacuum is off: turn it on, or updates fill the disk"
    allowed = int(settings.get("max_connections", 0))
    if allowed <= connections:
        yield f"max_connections is {allowed}, and the service may open {connections}"
    if sum(table.rows for table in found.tables) < MANY_ROWS:
        return
    if settings.get("wal_compression") == "off":
        yield "wal_compression is off: lz4 makes updates of reports faster"
    if _size(settings.get("max_wal_size", "")) < 8 * GIBIBYTE:
        yield f"max_wal_size is {settings.get('max_wal_size')}: 8GB lets checkpoints be rare"
    if _size(settings.get("shared_buffers", "")) <= 128 * 1024**2:
        yield f"shared_buffers is {settings.get('shared_buffers')}: use a quarter of the memory"


def _readable(setting: str, unit: str | None) -> str:
    if unit in ("8kB", "kB", "MB"):
        return _bytes(int(setting) * _UNITS[unit])
    return f"{setting}{unit or ''}"


def _bytes(number: int) -> str:
    for unit, size in (("GB", GIBIBYTE), ("MB", 1024**2), ("kB", 1024)):
        if number >= size and number % size == 0:
            return f"{number // size}{unit}"
    return f"{number}B"


def _size(text: str) -> int:
    for unit, size in (("GB", GIBIBYTE), ("MB", 1024**2), ("kB", 1024), ("B", 1)):
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * size
    return 0
