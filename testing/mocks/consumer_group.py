"""In-memory consumer group: partitions of a topic, offsets, members with aiokafka's interface."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from aiokafka import ConsumerRecord, TopicPartition

from .consumer import MemoryConsumer

__all__ = ["ConsumerGroup", "MemoryConsumer"]

Headers = Iterable[tuple[str, bytes]]


class ConsumerGroup:
    """A topic, how far its partitions are committed, and the members that share them.

    `auto_offset_reset` says where a partition begins that has no committed offset: `earliest` or
    `latest`.
    """

    def __init__(
        self, topic: str = "topic", partitions: int = 1, *, auto_offset_reset: str = "earliest"
    ) -> None:
        if auto_offset_reset not in ("earliest", "latest"):
            raise ValueError(f"auto_offset_reset: {auto_offset_reset!r}")
        self.topic = topic
        self._latest = auto_offset_reset == "latest"
        self.logs: dict[TopicPartition, list[ConsumerRecord]] = {
            TopicPartition(topic, number): [] for number in range(partitions)
        }
        self.committed: dict[TopicPartition, int] = {}
        self.members: list[MemoryConsumer] = []
        self.arrived = asyncio.Event()

    def produce(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int = 0,
    ) -> ConsumerRecord:
        """Append a message; return it as consumers will see it."""
        log = self.logs[TopicPartition(self.topic, partition)]
        record = ConsumerRecord(
            topic=self.topic,
            partition=partition,
            offset=len(log),
            timestamp=int(time.time() * 1000),
            timestamp_type=0,
            key=key,
            value=value,
            checksum=None,
            serialized_key_size=len(key or b""),
            serialized_value_size=len(value or b""),
            headers=tuple(headers),
        )
        log.append(record)
        self.arrived.set()
        return record

    def member(self) -> MemoryConsumer:
        """Return a new consumer; it joins when it subscribes."""
        return MemoryConsumer(self)

    def start_of(self, partition: TopicPartition) -> int:
        """Return where a member that is given the partition begins to read."""
        begin = len(self.logs[partition]) if self._latest else 0
        return self.committed.get(partition, begin)

    def lag(self) -> int:
        """Return how many messages are not committed."""
        return sum(len(log) - self.committed.get(tp, 0) for tp, log in self.logs.items())

    async def rebalance(self) -> None:
        """Revoke all partitions and assign them again."""
        members = list(self.members)
        await asyncio.gather(*(member.revoke() for member in members))
        shares: list[list[TopicPartition]] = [[] for _ in members]
        for at, partition in enumerate(sorted(self.logs)):
            if members:
                shares[at * len(members) // len(self.logs)].append(partition)
        for member, share in zip(members, shares, strict=True):
            await member.assign_share(share)
