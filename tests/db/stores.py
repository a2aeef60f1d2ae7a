"""Databases of each kind, as engines or URLs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.tables import metadata
from tests.databases import fresh_database

KINDS = ("postgresql", "sqlite file", "sqlite in memory")


@asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[AsyncEngine]:
    """Give an engine on a new database of this kind; SQLite's files go under the folder."""
    async with open_stores(kind, folder, 1) as engines:
        yield engines[0]


@asynccontextmanager
async def open_stores(kind: str, folder: Path, count: int) -> AsyncIterator[list[AsyncEngine]]:
    """Give this number of engines on one new database, as processes of a service would have."""
    async with AsyncExitStack() as stack:
        if kind == "postgresql":
            location = await stack.enter_async_context(fresh_database())
            # a prepared statement does not outlive a change of the table that it reads
            location += "&" if "?" in location else "?"
            location += "prepared_statement_cache_size=0"
        elif kind == "sqlite file":
            location = f"sqlite+aiosqlite:///{folder / 'aggregator.db'}"
        else:
            location = "sqlite+aiosqlite:///:memory:"
        engines = [open_url(location) for _ in range(count)]
        for engine in engines:
            stack.push_async_callback(engine.dispose)
        yield engines


@contextmanager
def migrated_store(kind: str) -> Iterator[str]:
    """Give the URL of one migrated database for several tests; each begins with `emptied`."""
    with asyncio.Runner() as runner:
        database = fresh_database() if kind == "postgresql" else _sqlite_file()
        url = runner.run(database.__aenter__())
        try:
            runner.run(migrated(url))
            yield url
        finally:
            runner.run(database.__aexit__(None, None, None))


@asynccontextmanager
async def _sqlite_file() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite+aiosqlite:///{folder}/aggregator.db"


async def migrated(url: str | sa.URL) -> None:
    """Bring both schemas to the latest version."""
    engine = open_url(url)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()


async def emptied(engine: AsyncEngine) -> None:
    """Delete the rows of all tables."""
    async with engine.begin() as conn:
        for table in reversed(metadata.sorted_tables):
            await conn.execute(sa.delete(table))
