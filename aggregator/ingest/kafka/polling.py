"""Polls a consumer for messages, and to stay in the group during a long batch."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord

# a tenth of max_poll_interval_ms
INTERVAL = 60.0


class Polling:
    """Returns at most `most` messages a poll, and keeps the time of the last poll."""

    def __init__(self, kafka: AIOKafkaConsumer, most: int, interval: float = INTERVAL) -> None:
        self._kafka = kafka
        self._most = most
        self._interval = interval
        self._at = time.monotonic()

    async def take(self, milliseconds: int) -> list[ConsumerRecord]:
        """Return messages; wait for the first one as long as this."""
        self._at = time.monotonic()
        taken = await self._kafka.getmany(timeout_ms=milliseconds, max_records=self._most)
        return [record for of_partition in taken.values() for record in of_partition]

    async def in_time(self, stay: Callable[[], Awaitable[None]]) -> None:
        """Call `stay`, which polls without messages, if the last poll was long ago."""
        if time.monotonic() - self._at > self._interval:
            self._at = time.monotonic()
            await stay()
            self._kafka.resume(*self._kafka.paused())
