"""Commits offsets, and compares them with the ends of the partitions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ..errors import Unavailable
from .kafka.errors import unavailable
from .kafka.offset_gaps import OffsetGaps
from .reporting import BatchReporter

log = logging.getLogger(__name__)

Offsets = dict[TopicPartition, int]


class Commits:
    """The committed offsets of the assigned partitions. `timeout` is in seconds."""

    def __init__(self, kafka: AIOKafkaConsumer, reporter: BatchReporter, timeout: float) -> None:
        self._kafka = kafka
        self._reporter = reporter
        self._timeout = timeout
        self._gaps = OffsetGaps(kafka)
        self._committed: Offsets = {}

    def polled(self, records: Iterable[ConsumerRecord]) -> None:
        """Record the offsets of polled messages."""
        self._gaps.taken(records)

    def forget(self) -> None:
        """Forget all offsets, when other partitions are assigned."""
        self._gaps.forget()
        self._committed.clear()

    async def commit(self, records: Iterable[ConsumerRecord]) -> None:
        """Commit the offsets after these records; raise Unavailable.

        After a rebalance nothing is committed: the next owner of the partition stores the batch
        again, without effect.
        """
        await self._commit(
            {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        )

    async def commit_gaps(self) -> None:
        """Commit offsets without messages while idle; a failure is repeated at the next poll."""
        try:
            async with asyncio.timeout(self._timeout):
                if ends := await self._gaps.ends():
                    await self._commit(ends)
        except (Unavailable, KafkaError, TimeoutError) as error:
            log.debug("cannot commit offsets without messages: %s", error)

    async def _commit(self, offsets: Offsets) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._kafka.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("offsets not committed, the group has changed: %s", error)
            return
        except TimeoutError as error:
            raise Unavailable("broker: the commit timed out") from error
        except KafkaError as error:
            raise unavailable(error) from error
        self._gaps.committed(offsets)
        self._committed |= offsets
        self._reporter.committed(self._kafka, offsets)

    async def lag(self) -> dict[int, int]:
        """Return the number of messages after the committed offset, by partition.

        The broker is asked for the ends. Raise KafkaError, after the client's request timeout at
        the latest.
        """
        held = sorted(self._kafka.assignment())
        if not held:
            return {}
        ends = await self._kafka.end_offsets(held)
        for partition in held:
            if partition not in self._committed:
                self._committed[partition] = await self._next_offset(partition)
        return {
            partition.partition: max(0, end - self._committed.get(partition, end))
            for partition, end in sorted(ends.items())
        }

    async def _next_offset(self, partition: TopicPartition) -> int:
        """Return the committed offset, or where consuming begins without one."""
        committed: int | None = await self._kafka.committed(partition)
        if committed is not None:
            return committed
        position: int = await self._kafka.position(partition)
        return position
