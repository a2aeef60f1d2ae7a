"""Loads messages into a SQL database through ingest's decoder and storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from aggregator.db.consumer_errors import SqlConsumerErrors
from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import (
    DVO,
    OCP,
    current,
    migrate,
)
from aggregator.db.reports import SqlReports
from aggregator.db.workloads import SqlDvo
from aggregator.errors import AggregatorError

from ..fixtures import GeneratedMessage
from ..writers import CannotWrite
from .loader import Loader

_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}


def location(text: str) -> sa.URL:
    """Return the URL with the driver that we use; raise CannotWrite for another database."""
    try:
        url = sa.make_url(text)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if url.drivername in _DRIVERS.values():
            return url
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    raise CannotWrite("a URL of postgresql or sqlite is expected for a database")


async def prepare(url: sa.URL) -> None:
    """Give an empty database its tables; raise CannotWrite when it has those of another version."""
    async with _opened(url) as database:
        for chain in (OCP, DVO):
            version = await current(database.engine, chain)
            if version == 0:
                await migrate(database.engine, chain, chain.latest)
            elif version != chain.latest:
                raise CannotWrite(
                    f"{_shown(url)} is at {chain.name} migration {version}, not {chain.latest}"
                )


async def fill(url: sa.URL, messages: Iterable[GeneratedMessage]) -> None:
    """Store the messages, and a consumer_error row for each invalid one; raise CannotWrite."""
    async with _opened(url) as database:
        reports, dvo = SqlReports(database), SqlDvo(database)
        await Loader(reports, dvo, SqlConsumerErrors(database)).fill(messages)


@asynccontextmanager
async def _opened(url: sa.URL) -> AsyncIterator[Database]:
    database = Database(open_url(url))
    try:
        yield database
    except (AggregatorError, OSError) as error:
        raise CannotWrite(f"{_shown(url)}: {error}") from error
    finally:
        await database.close()


def _shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)
