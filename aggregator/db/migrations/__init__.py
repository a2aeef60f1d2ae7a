"""The runner of migrations: brings a database to a version, all steps in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ...errors import MigrationError
from ..failures import translated
from . import extras
from .chain import DVO, OCP, Chain

__all__ = ["DVO", "OCP", "Chain", "current", "migrate", "prepare"]


async def current(engine: AsyncEngine, chain: Chain) -> int:
    """Return the version of the database, 0 for an empty one; change nothing."""
    # without a transaction, because a transaction would wait for SQLite's only writer
    reader = engine.execution_options(isolation_level="AUTOCOMMIT")
    with translated():
        async with reader.connect() as connection:
            return await connection.run_sync(_current, chain)


async def prepare(engine: AsyncEngine, chain: Chain) -> None:
    """Make the schema and the table of the version where they are missing."""
    async with _transaction(engine) as connection:
        await connection.run_sync(_prepare, chain)


async def migrate(engine: AsyncEngine, chain: Chain, target: int) -> None:
    """Bring the database to the target version, or leave it as it was and raise MigrationError."""
    if not 0 <= target <= chain.latest:
        raise MigrationError(
            f"invalid target version (available version range is 0-{chain.latest})"
        )
    async with _transaction(engine) as connection:
        await connection.run_sync(_migrate, chain, target)


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a transaction; a refused statement in it is a MigrationError."""
    with translated():
        async with engine.begin() as connection:
            try:
                yield connection
            except DBAPIError as error:
                raise MigrationError(_reason(error)) from error


def _current(conn: sa.Connection, chain: Chain) -> int:
    info = chain.info_table(conn.dialect.name)
    if not sa.inspect(conn).has_table(info.name, schema=info.schema):
        return 0
    versions: list[int] = list(conn.scalars(sa.select(info.c.version)))
    if len(versions) != 1:
        raise MigrationError(f"migration info table contain {len(versions)} rows")
    return versions[0]


def _prepare(conn: sa.Connection, chain: Chain) -> None:
    info = chain.info_table(conn.dialect.name)
    _lock(conn, chain)
    if info.schema and not sa.inspect(conn).has_schema(info.schema):
        conn.execute(sa.schema.CreateSchema(info.schema))
    info.create(conn, checkfirst=True)
    count = conn.scalar(sa.select(sa.func.count()).select_from(info))
    if count == 0:
        conn.execute(sa.insert(info).values(version=0))
    elif count != 1:
        raise MigrationError(
            f"unexpected number of rows in migration info table (expected: 1, reality: {count})"
        )


def _lock(conn: sa.Connection, chain: Chain) -> None:
    """Wait for other migrators of the chain. In SQLite the transaction itself is the lock."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(chain.lock)))


def _migrate(conn: sa.Connection, chain: Chain, target: int) -> None:
    _prepare(conn, chain)
    version = _current(conn, chain)
    if not 0 <= version <= chain.latest:
        raise MigrationError(
            f"current version ({version}) is outside of available migration boundaries"
        )
    if chain.has_extras and target < version == chain.latest:
        extras.remove(conn)
    for number in range(version + 1, target + 1):
        _run(conn, chain, number, "up")
    for number in range(version, target, -1):
        _run(conn, chain, number, "down")
    info = chain.info_table(conn.dialect.name)
    if target != version:
        conn.execute(sa.update(info).values(version=target))
    if chain.has_extras and target == chain.latest:
        extras.add(conn)


def _run(conn: sa.Connection, chain: Chain, version: int, direction: str) -> None:
    step = chain.step(version)
    try:
        (step.up if direction == "up" else step.down)(conn)
    except (DBAPIError, MigrationError) as error:
        reason = _reason(error) if isinstance(error, DBAPIError) else str(error)
        raise MigrationError(f"{chain.name} migration {version} {direction}: {reason}") from error


def _reason(error: DBAPIError) -> str:
    """Return the database's own words; the driver's adapter puts the name of a class before."""
    return str(getattr(error.orig, "__cause__", None) or error.orig)
