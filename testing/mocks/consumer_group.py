"""A consumer group in memory: its members have aiokafka's interface, and fail on demand."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

Headers = Iterable[tuple[str, bytes]]


class ConsumerGroup:
    """A topic, how far its partitions are committed, and the members that share them."""

    def __init__(self, topic: str = "topic", partitions: int = 1) -> None:
        self.topic = topic
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

    def lag(self) -> int:
        """Return how many messages are not committed."""
        return sum(len(log) - self.committed.get(tp, 0) for tp, log in self.logs.items())

    async def rebalance(self) -> None:
        """Take all partitions from the members, and deal them out anew."""
        members = list(self.members)
        await asyncio.gather(*(member.revoke() for member in members))
        shares: list[list[TopicPartition]] = [[] for _ in members]
        for at, partition in enumerate(sorted(self.logs)):
            if members:
                shares[at * len(members) // len(self.logs)].append(partition)
        for member, share in zip(members, shares, strict=True):
            await member.assign_share(share)


class MemoryConsumer:
    """A member of the group. `fail` makes a method raise; `calls` tells what was called."""

    def __init__(self, group: ConsumerGroup) -> None:
        self._group = group
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._listener: ConsumerRebalanceListener | None = None
        self._ready = asyncio.Event()
        self._faults: dict[str, deque[BaseException]] = {}
        self._joining: asyncio.Task[None] | None = None
        self.calls: list[str] = []
        self.started = self.stopped = False
        self.silent_since: float | None = None

    def fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of `method` raise these errors, one each."""
        self._faults.setdefault(method, deque()).extend(errors)

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self._faults.get(method):
            raise self._faults[method].popleft()

    async def start(self) -> None:
        """Connect."""
        self._called("start")
        self.started = True

    async def stop(self) -> None:
        """Leave the group; the others get the partitions."""
        self._called("stop")
        self.stopped = True
        if self in self._group.members:
            self._group.members.remove(self)
            self._positions.clear()
            await self._group.rebalance()

    def subscribe(
        self, topics: Iterable[str], listener: ConsumerRebalanceListener | None = None
    ) -> None:
        """Join the group of the topic; the rebalance happens in the background."""
        self._called("subscribe")
        if list(topics) != [self._group.topic]:
            raise ValueError(f"the group reads {self._group.topic} only")
        self._listener = listener
        self._group.members.append(self)
        self._joining = asyncio.ensure_future(self._group.rebalance())

    async def revoke(self) -> None:
        """Give the partitions back; the listener hears of it first, as in aiokafka."""
        self._ready.clear()
        if self._listener is not None:
            await self._listener.on_partitions_revoked(set(self._positions))
        self._positions.clear()
        self._paused.clear()

    async def assign_share(self, share: list[TopicPartition]) -> None:
        """Take these partitions, from where they are committed."""
        self._positions = {tp: self._group.committed.get(tp, 0) for tp in share}
        if self._listener is not None:
            await self._listener.on_partitions_assigned(set(share))
        self._ready.set()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Return what is there, at most `max_records`; wait for it up to the timeout."""
        self._called("getmany")
        until = time.monotonic() + timeout_ms / 1000
        while True:
            await self._ready.wait()
            taken = self._drain(max_records if max_records is not None else 10**9)
            rest = until - time.monotonic()
            if taken or rest <= 0:
                return taken
            self._group.arrived.clear()
            try:
                async with asyncio.timeout(rest):
                    await self._group.arrived.wait()
            except TimeoutError:
                return {}

    def _drain(self, room: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        taken = {}
        for tp in self._positions.keys() - self._paused:
            start = self._positions[tp]
            if records := self._group.logs[tp][start : start + room]:
                taken[tp] = records
                self._positions[tp] += len(records)
                room -= len(records)
            if room == 0:
                break
        return taken

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit; CommitFailedError when a partition is not held, as after a rebalance."""
        self._called("commit")
        for tp, offset in offsets.items():
            if tp not in self._positions:
                raise IllegalStateError(f"Partition {tp} is not assigned")
            self._group.committed[tp] = offset

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading from the offset."""
        self._called("seek")
        self._positions[partition] = offset

    def assignment(self) -> set[TopicPartition]:
        """Return the partitions held."""
        return set(self._positions)

    def pause(self, *partitions: TopicPartition) -> None:
        """Return nothing more of these."""
        self._called("pause")
        self._paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """Return messages of these again."""
        self._called("resume")
        self._paused.difference_update(partitions)
        self._group.arrived.set()

    def paused(self) -> set[TopicPartition]:
        """Return the partitions that are paused."""
        return set(self._paused)

    def highwater(self, partition: TopicPartition) -> int:
        """Return the offset that the next message of the partition will have."""
        return len(self._group.logs[partition])

    def last_poll_timestamp(self, _partition: TopicPartition) -> int:
        """Return when the broker last answered, in milliseconds."""
        return round((self.silent_since or time.time()) * 1000)

    async def lose_partitions(self) -> None:
        """Let the next commit fail, as when the group took this member for dead."""
        error: Any = CommitFailedError("the group has already rebalanced")
        self.fail("commit", error)
