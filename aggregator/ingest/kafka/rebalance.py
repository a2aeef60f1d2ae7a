"""The rebalance listener: holds a rebalance until the current batch is committed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from ..retry import Retrier

log = logging.getLogger(__name__)


# seconds between checks whether another process still has this member's name
TAKEOVER_DELAY, MAX_TAKEOVER_DELAY = 1.0, 5.0


async def not_taken_over() -> str:
    """Return that no other process joined under this member's name."""
    return ""


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Delays a rebalance by at most `drain` seconds while a batch is being processed."""

    def __init__(
        self,
        retrier: Retrier,
        drain: float,
        reassigned: Callable[[], None],
        taken_over: Callable[[], Awaitable[str]] = not_taken_over,
    ) -> None:
        self._retrier = retrier
        self._drain = drain
        self._reassigned = reassigned
        self._taken_over = taken_over
        self._idle = asyncio.Event()
        self._idle.set()
        self.assigned = False
        self.assigned_at = 0.0
        self.changing = False

    def batch_started(self) -> None:
        """Note that a batch is being processed."""
        self._idle.clear()
        self._retrier.reset()

    def batch_finished(self) -> None:
        """Note that the batch is committed or abandoned."""
        self._idle.set()

    async def idle_within(self, seconds: float) -> bool:
        """Wait until no batch is being processed; return False after this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Wait for the commit of the current batch; abandon it if paused or too slow."""
        self.changing = True
        paused = self._retrier.state.paused
        if paused or not await self.idle_within(self._drain):
            self._retrier.abandon()
        log.info("partitions revoked: %s", _numbers(revoked))
        if self.assigned:
            await self._wait_while_taken_over()

    async def _wait_while_taken_over(self) -> None:
        """Do not rejoin while another process uses this member's name: it would be fenced."""
        delay = TAKEOVER_DELAY
        while reason := await self._taken_over():
            self._retrier.pause(f"broker: {reason}")
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_TAKEOVER_DELAY)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Drop what is known of the former partitions."""
        self.changing = False
        self.assigned = True
        self.assigned_at = time.time()
        self._reassigned()
        log.info("partitions assigned: %s", _numbers(assigned))


def _numbers(partitions: Collection[TopicPartition]) -> str:
    return ", ".join(str(each.partition) for each in sorted(partitions)) or "none"
