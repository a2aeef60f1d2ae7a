"""The messages of a batch while they are processed: each is stored, or invalid."""

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

# fewest messages that are worth a separate transaction
MIN_SHARD = 50

REJECTED = "database"


class Outcome(msgspec.Struct, frozen=True):
    """The state of a message; `error` and `kind` are set when it is invalid.

    Two are created per message; a frozen dataclass would take ten times as long.
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

    def with_result(self, answer: bool | RecordRejected, seconds: float) -> Outcome:
        """Return the outcome with the storage's answer, which took this time."""
        rejected = isinstance(answer, RecordRejected)
        return Outcome(
            self.record,
            self.envelope,
            self.report,
            self.at,
            self.seconds + seconds,
            self.warnings,
            error=str(answer) if rejected else "",
            kind=REJECTED if rejected else "",
            stored=answer is True,
            size=self.size,
        )

    @property
    def invalid(self) -> bool:
        """Return True if the message goes to the dead-letter queue."""
        return bool(self.kind)

    @property
    def empty(self) -> bool:
        """Return True if the message has nothing to store."""
        return self.report is None and not self.invalid


def split(
    records: Sequence[ConsumerRecord], limit: Callable[[], int], size: int
) -> Iterator[list[ConsumerRecord]]:
    """Split the records into chunks of at most `size` bytes, or of one record.

    `limit` is called before each chunk and returns how many records it may have.
    """
    chunk: list[ConsumerRecord] = []
    room, count = size, limit()
    for record in records:
        length = size_of(record)
        if chunk and (length > room or len(chunk) >= count):
            yield chunk
            chunk, room, count = [], size, limit()
        chunk.append(record)
        room -= length
    if chunk:
        yield chunk


async def each(
    work: Callable[[Item], Awaitable[Result]], items: AsyncIterable[Item]
) -> AsyncGenerator[Result, None]:
    """Yield the result of the work for each item, in order."""
    async for item in items:
        yield await work(item)


async def prefetch(items: AsyncIterable[Item]) -> AsyncGenerator[Item, None]:
    """Yield the items; compute the next one while the caller uses this one."""
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
    """Put each item into the queue when the one before is taken, and None at the end."""
    try:
        async for item in items:
            ready.put_nowait(item)
            await ready.join()
    finally:
        ready.put_nowait(None)


async def stored(outcomes: list[Outcome], store: Store, shards: int = 1) -> list[Outcome]:
    """Store the valid messages; those that the database rejects become invalid.

    Shards are stored concurrently; all reports of a cluster are in one shard, in order.
    """
    valid = [at for at, outcome in enumerate(outcomes) if outcome.report is not None]
    if not valid:
        return outcomes
    start = time.perf_counter()
    split = _shards(valid, outcomes, shards)
    stores = (_bisect([outcomes[at].report for at in shard], store) for shard in split)
    answers = await _all(stores)
    seconds = (time.perf_counter() - start) / len(valid)
    settled = list(outcomes)
    for shard, of_shard in zip(split, answers, strict=True):
        for at, answer in zip(shard, of_shard, strict=True):
            settled[at] = outcomes[at].with_result(answer, seconds)
    return settled


def _shards(valid: list[int], outcomes: list[Outcome], maximum: int) -> list[list[int]]:
    """Divide positions by cluster; a short batch is one shard."""
    count = max(1, min(maximum, len(valid) // MIN_SHARD))
    if count == 1:
        return [valid]
    found: list[list[int]] = [[] for _ in range(count)]
    for at in valid:
        found[hash(outcomes[at].report.cluster) % count].append(at)
    return [shard for shard in found if shard]


async def _all(works: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return all results; if one fails, cancel the others and wait for their end."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _bisect(reports: Sequence[Any], store: Store) -> list[bool | RecordRejected]:
    """Store the reports; if the database rejects one, find it by bisection and store the others."""
    try:
        return list(await store(reports))
    except RecordRejected as error:
        if len(reports) == 1:
            return [error]
    middle = len(reports) // 2
    return await _bisect(reports[:middle], store) + await _bisect(reports[middle:], store)
