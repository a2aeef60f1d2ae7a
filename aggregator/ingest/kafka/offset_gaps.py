"""Offsets without a message after the last one, such as control records of transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

Offsets = dict[TopicPartition, int]


class OffsetGaps:
    """Finds positions beyond the committed offsets with no message in between.

    Without a commit there, the group would stay behind a transactional producer by its last
    control record, or by the messages of an aborted transaction, until the next message.
    """

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._taken: Offsets = {}
        self._committed: Offsets = {}

    def taken(self, records: Iterable[ConsumerRecord]) -> None:
        """Record the offsets of polled messages."""
        for record in records:
            self._taken[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Record committed offsets."""
        self._committed |= offsets

    def forget(self) -> None:
        """Forget all offsets, when other partitions are assigned."""
        self._taken.clear()
        self._committed.clear()

    async def ends(self) -> Offsets:
        """Return positions to commit, of partitions whose messages are all committed."""
        found = {}
        held = self._kafka.assignment()
        for partition, offset in self._committed.items():
            if partition in held and self._taken.get(partition) == offset:
                position = await self._kafka.position(partition)
                if position > offset:
                    found[partition] = position
        return found
