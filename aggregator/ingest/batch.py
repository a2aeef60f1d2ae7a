"""The messages of a batch on their way: each becomes stored, or refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiokafka import ConsumerRecord

from ..errors import RecordRejected
from .decode.message import Envelope
from .kafka.records import size_of

Item = TypeVar("Item")
Result = TypeVar("Result")
Store = Callable[[Sequence[Any]], Awaitable[list[bool]]]

# the fewest messages that are worth a transaction beside others
LANE = 50

REJECTED = "database"


class Outcome(msgspec.Struct, frozen=True):
    """What became of a message so far; `error` is set when it is refused.

    Two are made of each message; a frozen dataclass would take ten times as long.
    """

    record: ConsumerRecord
    envelope: Envelope
    report: Any
    at: datetime
    seconds: float
    warnings: tuple[str, ...] = ()
    error: str = ""
    kind: str = ""
    stored: bool = False
    size: int = 0

    def told(self, answer: bool | RecordRejected, seconds: float) -> Outcome:
        """Return the outcome with what the storage answered after so many seconds."""
        refused = isinstance(answer, RecordRejected)
        return Outcome(
            self.record,
            self.envelope,
            self.report,
            self.at,
            self.seconds + seconds,
            self.warnings,
            error=str(answer) if refused else "",
            kind=REJECTED if refused else "",
            stored=answer is True,
            size=self.size,
        )

    @property
    def refused(self) -> bool:
        """Say whether the message is to be set aside."""
        return bool(self.kind)

    @property
    def empty(self) -> bool:
        """Say whether the message is skipped for having nothing to store."""
        return self.report is None and not self.refused


def split(
    records: Sequence[ConsumerRecord], most: Callable[[], int], size: int
) -> Iterator[list[ConsumerRecord]]:
    """Cut the records into parts of at most `size` bytes, or of one record.

    `most` is asked before each part how many records it may have.
    """
    part: list[ConsumerRecord] = []
    room, count = size, most()
    for record in records:
        length = size_of(record)
        if part and (length > room or len(part) >= count):
            yield part
            part, room, count = [], size, most()
        part.append(record)
        room -= length
    if part:
        yield part


async def each(
    work: Callable[[Item], Awaitable[Result]], items: AsyncIterable[Item]
) -> AsyncGenerator[Result, None]:
    """Yield what the work makes of each item, in order."""
    async for item in items:
        yield await work(item)


async def prefetch(items: AsyncIterable[Item]) -> AsyncGenerator[Item, None]:
    """Yield the items; while the caller uses one, the next one is made."""
    ready: asyncio.Queue[Item | None] = asyncio.Queue()
    filling = asyncio.ensure_future(_fill(ready, items))
    try:
        while (item := await ready.get()) is not None:
            ready.task_done()
            yield item
        await filling
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def _fill(ready: asyncio.Queue[Item | None], items: AsyncIterable[Item]) -> None:
    """Put one item after the other, each when the one before is taken, then None."""
    try:
        async for item in items:
            ready.put_nowait(item)
            await ready.join()
    finally:
        ready.put_nowait(None)


async def stored(outcomes: list[Outcome], store: Store, lanes: int = 1) -> list[Outcome]:
    """Store what is good; what the database refuses becomes refused.

    The lanes are stored beside each other, all reports of a cluster in one of them, in order.
    """
    good = [at for at, outcome in enumerate(outcomes) if outcome.report is not None]
    if not good:
        return outcomes
    start = time.perf_counter()
    split = _lanes(good, outcomes, lanes)
    stores = (_bisect([outcomes[at].report for at in lane], store) for lane in split)
    answers = await _all(stores)
    seconds = (time.perf_counter() - start) / len(good)
    settled = list(outcomes)
    for lane, of_lane in zip(split, answers, strict=True):
        for at, answer in zip(lane, of_lane, strict=True):
            settled[at] = outcomes[at].told(answer, seconds)
    return settled


def _lanes(good: list[int], outcomes: list[Outcome], most: int) -> list[list[int]]:
    """Divide positions by cluster; a short batch stays whole."""
    count = max(1, min(most, len(good) // LANE))
    if count == 1:
        return [good]
    found: list[list[int]] = [[] for _ in range(count)]
    for at in good:
        found[hash(outcomes[at].report.cluster) % count].append(at)
    return [lane for lane in found if lane]


async def _all(works: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return what all of them give; where one fails, the others have ended, too."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _bisect(reports: Sequence[Any], store: Store) -> list[bool | RecordRejected]:
    """Store the reports; where the database refuses one, find it and store the others."""
    try:
        return list(await store(reports))
    except RecordRejected as error:
        if len(reports) == 1:
            return [error]
    middle = len(reports) // 2
    return await _bisect(reports[:middle], store) + await _bisect(reports[middle:], store)
