"""Empty databases of each kind, as engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db.engine import open_url
from tests.databases import fresh_database

KINDS = ("postgresql", "sqlite file", "sqlite in memory")


@asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[AsyncEngine]:
    """Give an engine on a new database of this kind; SQLite's files go under the folder."""
    async with open_stores(kind, folder, 1) as engines:
        yield engines[0]


@asynccontextmanager
async def open_stores(kind: str, folder: Path, count: int) -> AsyncIterator[list[AsyncEngine]]:
    """Give so many engines on one new database: what as many processes would have."""
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
