"""In-memory consumer with aiokafka's interface, injected errors and recorded calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Set
from typing import Any, Protocol, Self

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from .faults import Faults

# those whose calls are noted, and can fail
METHODS = (
    "start", "stop", "subscribe", "getmany", "getone", "commit", "committed", "seek", "pause",
    "resume",
)  # fmt: skip


class Group(Protocol):
    """What a member needs of its group, which `consumer_group.ConsumerGroup` is."""

    topic: str
    logs: dict[TopicPartition, list[ConsumerRecord]]
    committed: dict[TopicPartition, int]
    members: list[MemoryConsumer]
    arrived: asyncio.Event

    def start_of(self, partition: TopicPartition) -> int:
        """Return where a member that is given the partition begins to read."""

    async def rebalance(self) -> None:
        """Take all partitions from the members, and assign them again."""


class MemoryConsumer:
    """A member of the group. `fail` makes a method raise; `calls` tells what was called."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._listener: ConsumerRebalanceListener | None = None
        self._ready = asyncio.Event()
        self._faults = Faults(*METHODS)
        self._joining: asyncio.Task[None] | None = None
        self.calls: list[str] = []
        self.started = self.stopped = False
        self.silent_since: float | None = None

    def fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of `method` raise these errors, one each."""
        self._faults.add(method, *errors)

    def _called(self, method: str) -> None:
        self.calls.append(method)
        self._faults.strike(method)

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

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ConsumerRecord:
        return await self.getone()

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

    async def joined(self) -> None:
        """Return when the rebalance of joining is over."""
        if self._joining is not None:
            await self._joining

    async def revoke(self) -> None:
        """Give the partitions back; call the listener first, as aiokafka does."""
        self._ready.clear()
        if self._listener is not None:
            await self._listener.on_partitions_revoked(set(self._positions))
        self._positions.clear()
        self._paused.clear()

    async def assign_share(self, share: list[TopicPartition]) -> None:
        """Take these partitions, from where they are committed."""
        self._positions = {tp: self._group.start_of(tp) for tp in share}
        if self._listener is not None:
            await self._listener.on_partitions_assigned(set(share))
        self._ready.set()

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Return what is there, at most `max_records`; wait for it up to the timeout."""
        self._called("getmany")
        return await self._fetched(partitions, timeout_ms, max_records or 10**9)

    async def getone(self, *partitions: TopicPartition) -> ConsumerRecord:
        """Return the next message; wait for it as long as it takes."""
        self._called("getone")
        while True:
            for records in (await self._fetched(partitions, 60_000, 1)).values():
                return records[0]

    async def _fetched(
        self, partitions: Iterable[TopicPartition], timeout_ms: float, room: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        until = time.monotonic() + timeout_ms / 1000
        while True:
            await self._ready.wait()
            taken = self._drain(set(partitions) or self._positions.keys(), room)
            rest = until - time.monotonic()
            if taken or rest <= 0:
                return taken
            self._group.arrived.clear()
            try:
                async with asyncio.timeout(rest):
                    await self._group.arrived.wait()
            except TimeoutError:
                return {}

    def _drain(
        self, wanted: Set[TopicPartition], room: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        taken = {}
        for tp in sorted((self._positions.keys() & wanted) - self._paused):
            start = self._positions[tp]
            if records := self._group.logs[tp][start : start + room]:
                taken[tp] = records
                self._positions[tp] += len(records)
                room -= len(records)
            if room == 0:
                break
        return taken

    async def commit(self, offsets: Mapping[TopicPartition, Any] | None = None) -> None:
        """Commit these offsets (or OffsetAndMetadata), or all that was read.

        IllegalStateError for a partition that is not held.
        """
        self._called("commit")
        for tp, offset in (self._positions if offsets is None else offsets).items():
            self._check_held(tp)
            self._group.committed[tp] = offset if isinstance(offset, int) else offset.offset

    async def committed(self, partition: TopicPartition) -> int | None:
        """Return the committed offset, None when there is none."""
        self._called("committed")
        return self._group.committed.get(partition)

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next message that is read."""
        self._check_held(partition)
        return self._positions[partition]

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading from the offset."""
        self._called("seek")
        self._check_held(partition)
        self._positions[partition] = offset
        self._group.arrived.set()

    async def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Read these again, or all."""
        for tp in partitions or tuple(self._positions):
            self.seek(tp, 0)

    async def seek_to_end(self, *partitions: TopicPartition) -> None:
        """Leave out what is there in these, or in all."""
        for tp in partitions or tuple(self._positions):
            self.seek(tp, len(self._group.logs[tp]))

    async def beginning_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Return the offsets of the first messages."""
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offsets that the next messages will have."""
        return {tp: len(self._group.logs[tp]) for tp in partitions}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Return the partitions' numbers, None for another topic."""
        found = {tp.partition for tp in self._group.logs if tp.topic == topic}
        return found or None

    async def taken_over(self) -> str:
        """Return that no other process has this member's name."""
        return ""

    def topic_problem(self, topic: str) -> str:
        """Return why the topic has no partitions, nothing if it has."""
        return "" if self.partitions_for_topic(topic) else f"topic '{topic}' does not exist"

    def subscription(self) -> frozenset[str]:
        """Return the topic, once subscribed."""
        return frozenset([self._group.topic] if self in self._group.members else [])

    def _check_held(self, partition: TopicPartition) -> None:
        if partition not in self._positions:
            raise IllegalStateError(f"Partition {partition} is not assigned")

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
