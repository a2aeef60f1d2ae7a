"""The messages of a batch, decoded: large ones in a thread, the others in turns with the loop."""

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
from .message import Decoder, Envelope, Refused

# how long decoding may keep the loop from answering requests, and the database's answers waiting
SLICE_SECONDS = 0.002
# what is decoded in that time is stored and committed before there is more
PART_SECONDS = 1.0


class _Pace:
    """How long a part is being decoded, and when others had their turn."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._turn = self._begun + SLICE_SECONDS

    @property
    def long(self) -> bool:
        """Return True if that takes long."""
        return time.perf_counter() >= self._begun + PART_SECONDS

    async def give_way(self) -> None:
        """Let others have their turn if it is time."""
        if time.perf_counter() >= self._turn:
            await asyncio.sleep(0)
            self._turn = time.perf_counter() + SLICE_SECONDS


async def decoded(
    parts: AsyncIterable[Sequence[ConsumerRecord]], decoder: Decoder, budget: Budget
) -> AsyncGenerator[list[Outcome], None]:
    """Decode the records of each part in order, letting requests be answered in between.

    What does not fit in the budget is decoded when there is room, and what takes long is not waited
    for: a part may become several.
    """
    async for part in parts:
        outcomes: list[Outcome] = []
        pace = _Pace()
        for record in part:
            if outcomes and (budget.full or pace.long):
                yield outcomes
                outcomes, pace = [], _Pace()
            await budget.room()
            outcomes.append(await _outcome(record, decoder))
            budget.take(outcomes[-1].size)
            await pace.give_way()
        if outcomes:
            yield outcomes


async def _outcome(record: ConsumerRecord, decoder: Decoder) -> Outcome:
    value = payload.light(record.value)
    if value is not None:
        return _decode(record, value, decoder)
    # one at a time: that may take seconds, and ten times the memory of the message
    return await asyncio.to_thread(_decode, record, record.value, decoder)


def _decode(record: ConsumerRecord, value: bytes | None, decoder: Decoder) -> Outcome:
    start = time.perf_counter()
    size = size_of(record)
    try:
        if isinstance(record, UnreadableRecord):
            raise Refused(record.kind, record.error, Envelope())
        message = decoder.decode(value)
    except Refused as error:
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
