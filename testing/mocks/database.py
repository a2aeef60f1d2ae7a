"""A database filled with messages, the way ingest fills it: decoded and stored in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import DVO, OCP, current, migrate
from aggregator.db.refused import SqlRefusedMessages
from aggregator.db.reports import SqlReports
from aggregator.db.workloads import SqlDvo
from aggregator.errors import AggregatorError
from aggregator.ingest.dvo import DvoDecoder
from aggregator.ingest.message import Decoder, Refused
from aggregator.ingest.ocp import OcpDecoder
from aggregator.model import DvoReport, Refusal, Report, utc_now

from ..fixtures import Made
from ..outlets import CannotWrite

BATCH = 500
UNPACKED = 64 * 1024 * 1024
TOPIC = "testing.generate"
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


async def fill(url: sa.URL, messages: Iterable[Made]) -> None:
    """Store the messages, and set aside those that are refused; raise CannotWrite."""
    async with _opened(url) as database:
        filler = _Filler(database)
        for batch in _batches(messages):
            await filler.store(batch)


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


def _batches(messages: Iterable[Made]) -> Iterator[list[Made]]:
    rest = iter(messages)
    while batch := list(islice(rest, BATCH)):
        yield batch


class _Filler:
    """What is stored where."""

    def __init__(self, database: Database) -> None:
        self._reports = SqlReports(database)
        self._dvo = SqlDvo(database)
        self._refused = SqlRefusedMessages(database)
        self._decoders: dict[str, Decoder] = {
            "ocp": OcpDecoder(None, UNPACKED, "default"),
            "dvo": DvoDecoder(None, UNPACKED, "default"),
        }
        self._offsets = count()

    async def store(self, batch: Iterable[Made]) -> None:
        """Store a batch: one transaction a kind of row."""
        reports: list[Report] = []
        workloads: list[DvoReport] = []
        refusals: list[Refusal] = []
        for made in batch:
            found = self._decoded(made)
            if isinstance(found, Report):
                reports.append(found)
            elif isinstance(found, DvoReport):
                workloads.append(found)
            elif isinstance(found, Refusal):
                refusals.append(found)
        if reports:
            await self._reports.store(reports)
        if workloads:
            await self._dvo.store(workloads)
        await self._refused.put(refusals)

    def _decoded(self, made: Made) -> Report | DvoReport | Refusal | None:
        """Return what the message is for storage, None when it is skipped as empty."""
        offset, now = next(self._offsets), utc_now()
        try:
            return self._decoders[made.kind].decode(made.value).report
        except Refused as error:
            topic = f"{TOPIC}.{made.kind}"
            return Refusal(topic, 0, offset, None, made.value, now, now, str(error))
