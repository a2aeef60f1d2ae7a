"""Decodes the messages of a batch: large ones in a thread, small ones on the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from aiokafka import ConsumerRecord

from ...model import utc_now
from .. import budget as memory
from ..batch import Outcome
from ..budget import Budget
from ..kafka.records import UnreadableRecord, size_of
from . import payload
from .message import Decoder, Envelope, InvalidMessage

# how long decoding may block the event loop
SLICE_SECONDS = 0.002
# after this time, store and commit what is decoded
CHUNK_SECONDS = 1.0


class _Pace:
    """Time spent on a chunk, and since the last yield to the event loop."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._turn = self._begun + SLICE_SECONDS

    @property
    def long(self) -> bool:
        """Return True after CHUNK_SECONDS."""
        return time.perf_counter() >= self._begun + CHUNK_SECONDS

    async def yield_to_loop(self) -> None:
        """Yield to the event loop after SLICE_SECONDS."""
        if time.perf_counter() >= self._turn:
            await asyncio.sleep(0)
            self._turn = time.perf_counter() + SLICE_SECONDS


async def decoded(
    chunks: AsyncIterable[Sequence[ConsumerRecord]], decoder: Decoder, budget: Budget
) -> AsyncGenerator[list[Outcome], None]:
    """Decode the records of each chunk in order, yielding to the event loop in between.

    A chunk is yielded in several lists when the budget is full or decoding takes long.
    """
    async for chunk in chunks:
        outcomes: list[Outcome] = []
        pace = _Pace()
        for record in chunk:
            if outcomes and (budget.full or pace.long):
                yield outcomes
                outcomes, pace = [], _Pace()
            await budget.room()
            outcomes.append(await _outcome(record, decoder))
            budget.acquire(outcomes[-1].size)
            await pace.yield_to_loop()
        if outcomes:
            yield outcomes


async def _outcome(record: ConsumerRecord, decoder: Decoder) -> Outcome:
    value = payload.light(record.value)
    if value is not None:
        return _decode(record, value, decoder)
    # one at a time: decoding may take seconds and ten times the memory of the message
    return await asyncio.to_thread(_decode, record, record.value, decoder)


def _decode(record: ConsumerRecord, value: bytes | None, decoder: Decoder) -> Outcome:
    start = time.perf_counter()
    size = size_of(record)
    try:
        if isinstance(record, UnreadableRecord):
            raise InvalidMessage(record.kind, record.error, Envelope())
        message = decoder.decode(value)
    except InvalidMessage as error:
        seconds = time.perf_counter() - start
        return Outcome(
            record,
            error.envelope,
            None,
            utc_now(),
            seconds,
            error=str(error),
            kind=error.kind,
            size=size,
        )
    seconds = time.perf_counter() - start
    size += memory.size_of(message.report)
    return Outcome(
        record,
        message.envelope,
        message.report,
        utc_now(),
        seconds,
        message.warnings,
        size=size,
    )
