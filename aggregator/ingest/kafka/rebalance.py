"""The consumer's part in its group: what it holds, and how a rebalance waits for the batch."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from ..retry import Backpressure

log = logging.getLogger(__name__)


# seconds until it is asked again whether the other process is gone
STAND_BACK, LONGEST_STAND_BACK = 1.0, 5.0


async def nobody() -> str:
    """Return that no other process has taken this member's place."""
    return ""


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hears of rebalances; holds one up, for `drain` seconds at most, while a batch is in hand."""

    def __init__(
        self,
        backpressure: Backpressure,
        drain: float,
        reassigned: Callable[[], None],
        taken_over: Callable[[], Awaitable[str]] = nobody,
    ) -> None:
        self._backpressure = backpressure
        self._drain = drain
        self._reassigned = reassigned
        self._taken_over = taken_over
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
        if self.assigned:
            await self._stand_back()

    async def _stand_back(self) -> None:
        """While another process has this member's name, do not join: it would be expelled."""
        wait = STAND_BACK
        while reason := await self._taken_over():
            self._backpressure.pause(f"broker: {reason}")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_STAND_BACK)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin anew with other partitions."""
        self.changing = False
        self.assigned = True
        self.assigned_at = time.time()
        self._reassigned()
        log.info("partitions are assigned: %s", _numbers(assigned))


def _numbers(partitions: Collection[TopicPartition]) -> str:
    return ", ".join(str(each.partition) for each in sorted(partitions)) or "none"
