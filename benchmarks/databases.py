"""Creates and drops the databases of a measurement."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa


@contextmanager
def fresh(server: sa.URL, folder: Path, dialect: str = "postgresql") -> Iterator[sa.URL]:
    """Give the URL of an empty database, on the server or in the folder."""
    if dialect == "sqlite":
        yield sa.URL.create("sqlite", database=str(folder / "bench.db"))
        return
    name = f"bench_{uuid.uuid4().hex[:8]}"
    maintenance = server.set(database=server.database or "postgres")
    execute(maintenance, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield server.set(database=name)
    finally:
        execute(maintenance, f'DROP DATABASE "{name}" WITH (FORCE)')


def execute(location: sa.URL, statement: str, *values: Any) -> list[Any]:
    """Run a statement outside of a transaction; return its rows."""
    return asyncio.run(_execute(location, statement, values))


async def _execute(location: sa.URL, statement: str, values: Sequence[Any]) -> list[Any]:
    dsn = location.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        rows: list[Any] = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close()
