"""Polls a consumer: for messages, or only to stay in its group."""

from __future__ import annotations

import time

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from .errors import is_fatal

# seconds; a tenth of max_poll_interval_ms
INTERVAL = 60.0


class Polling:
    """Returns at most `most` messages a poll, and keeps the time of the last poll."""

    def __init__(self, kafka: AIOKafkaConsumer, most: int, interval: float = INTERVAL) -> None:
        self._kafka = kafka
        self._most = most
        self._interval = interval
        self._at = time.monotonic()

    @property
    def due(self) -> bool:
        """Return True if the last poll was longer ago than the interval."""
        return time.monotonic() - self._at > self._interval

    async def take(self, milliseconds: int) -> list[ConsumerRecord]:
        """Return messages; wait for the first one as long as this."""
        self._at = time.monotonic()
        taken = await self._kafka.getmany(timeout_ms=milliseconds, max_records=self._most)
        return [record for of_partition in taken.values() for record in of_partition]

    async def without_messages(self) -> None:
        """Poll with all partitions paused, so that the group does not remove this consumer."""
        held = self._kafka.assignment()
        if not held:
            return
        self._at = time.monotonic()
        self._kafka.pause(*held)
        try:
            taken = await self._kafka.getmany(timeout_ms=0)
        except KafkaError as error:
            if is_fatal(error):
                raise
            return
        for of_partition, records in taken.items():
            self._kafka.seek(of_partition, records[0].offset)

    def resume(self) -> None:
        """Resume the paused partitions."""
        self._kafka.resume(*self._kafka.paused())
