"""Stores the messages of a batch: the outcome of each is stored, skipped or invalid."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from aiokafka import ConsumerRecord

from ..errors import RecordRejected
from .decode.message import Envelope
from .kafka.records import size_of
from .retry import Retrier

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


class BatchWriter:
    """Stores the valid messages of a batch, with retries while the storage is unavailable."""

    def __init__(self, store: Store, retrier: Retrier) -> None:
        self._store = store
        self._retrier = retrier

    async def write(self, outcomes: list[Outcome], shards: int = 1) -> list[Outcome]:
        """Store the valid messages; those that the database rejects become invalid.

        Shards are stored concurrently; all reports of a cluster are in one shard, in order. Raise
        BatchAbandoned when the retries end.
        """
        valid = [at for at, outcome in enumerate(outcomes) if outcome.report is not None]
        if not valid:
            return outcomes
        start = time.perf_counter()
        split = _shards(valid, outcomes, shards)
        answers = await _all(self._bisect([outcomes[at].report for at in shard]) for shard in split)
        seconds = (time.perf_counter() - start) / len(valid)
        written = list(outcomes)
        for shard, of_shard in zip(split, answers, strict=True):
            for at, answer in zip(shard, of_shard, strict=True):
                written[at] = outcomes[at].with_result(answer, seconds)
        return written

    async def _bisect(self, reports: Sequence[Any]) -> list[bool | RecordRejected]:
        """Store the reports; if one is rejected, find it by bisection and store the others."""
        store = partial(self._store, reports)
        try:
            return list(await self._retrier.retry_until_available(store, "storage"))
        except RecordRejected as error:
            if len(reports) == 1:
                return [error]
        middle = len(reports) // 2
        return await self._bisect(reports[:middle]) + await self._bisect(reports[middle:])


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
