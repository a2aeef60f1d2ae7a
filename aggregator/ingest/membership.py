"""The consumer's part in its group: what it holds, and how a rebalance waits for the batch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from .backpressure import Backpressure

log = logging.getLogger(__name__)


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hears of rebalances; holds one up, for `drain` seconds at most, while a batch is in hand."""

    def __init__(
        self, backpressure: Backpressure, drain: float, reassigned: Callable[[], None]
    ) -> None:
        self._backpressure = backpressure
        self._drain = drain
        self._reassigned = reassigned
        self._idle = asyncio.Event()
        self._idle.set()
        self.assigned = False
        self.assigned_at = 0.0
        self.changing = False

    def begun(self) -> None:
        """Note that a batch is in hand."""
        self._idle.clear()
        self._backpressure.begin()

    def finished(self) -> None:
        """Note that the batch is committed, or given up."""
        self._idle.set()

    async def idle_within(self, seconds: float) -> bool:
        """Wait until no batch is in hand; say whether it came to that in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let the batch in hand be committed first; give it up when that takes too long."""
        self.changing = True
        waiting = self._backpressure.state.paused
        if waiting or not await self.idle_within(self._drain):
            self._backpressure.give_up()
        log.info("partitions are given back: %s", _numbers(revoked))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin anew with other partitions."""
        self.changing = False
        self.assigned = True
        self.assigned_at = time.time()
        self._reassigned()
        log.info("partitions are assigned: %s", _numbers(assigned))


def _numbers(partitions: Collection[TopicPartition]) -> str:
    return ", ".join(str(each.partition) for each in sorted(partitions)) or "none"
