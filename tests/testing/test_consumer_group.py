"""The consumer group in memory does what aiokafka's does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata

from testing.mocks.consumer import METHODS, MemoryConsumer
from testing.mocks.consumer_group import ConsumerGroup

FIRST, SECOND = TopicPartition("topic", 0), TopicPartition("topic", 1)


class Heard(ConsumerRebalanceListener):
    """Notes what a member is told of rebalances."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self.told.append(("revoked", sorted(one.partition for one in revoked)))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.told.append(("assigned", sorted(one.partition for one in assigned)))


async def _joined(group: ConsumerGroup, heard: Heard | None = None) -> MemoryConsumer:
    member = group.member()
    await member.start()
    member.subscribe([group.topic], listener=heard)
    await member.joined()
    return member


async def _values(member: MemoryConsumer, **options: int) -> list[bytes | None]:
    taken = await member.getmany(**options)
    return [record.value for records in taken.values() for record in records]


@pytest.mark.parametrize("method", ["highwater", "position", "end_offsets", *METHODS])
def test_its_methods_are_those_of_aiokafka(method: str) -> None:
    assert callable(getattr(AIOKafkaConsumer, method))
    assert callable(getattr(MemoryConsumer, method))


async def test_what_is_read_and_not_committed_comes_again_to_the_next_member() -> None:
    group = ConsumerGroup()
    for value in (b"1", b"2", b"3"):
        group.produce(value)
    first = await _joined(group)
    assert await _values(first, max_records=2) == [b"1", b"2"]
    await first.commit({FIRST: OffsetAndMetadata(1, "")})
    await first.stop()
    second = await _joined(group)
    assert await second.committed(FIRST) == 1
    assert await _values(second) == [b"2", b"3"]
    await second.commit()
    assert group.lag() == 0


async def test_two_members_share_the_partitions_and_hear_of_it() -> None:
    group = ConsumerGroup(partitions=2)
    heard = Heard()
    first = await _joined(group, heard)
    second = await _joined(group)
    assert (first.assignment(), second.assignment()) == ({FIRST}, {SECOND})
    await second.stop()
    assert first.assignment() == {FIRST, SECOND}
    assert heard.told == [
        ("revoked", []),
        ("assigned", [0, 1]),
        ("revoked", [0, 1]),
        ("assigned", [0]),
        ("revoked", [0]),
        ("assigned", [0, 1]),
    ]


async def test_a_rebalance_on_demand_goes_back_to_what_is_committed() -> None:
    group = ConsumerGroup()
    group.produce(b"1")
    member = await _joined(group)
    assert await _values(member) == [b"1"]
    await group.rebalance()
    assert await member.position(FIRST) == 0
    assert await _values(member) == [b"1"]


async def test_a_commit_for_a_partition_that_is_not_held_is_refused() -> None:
    member = await _joined(ConsumerGroup())
    with pytest.raises(IllegalStateError):
        await member.commit({SECOND: 1})


async def test_methods_fail_as_told_then_work_again() -> None:
    group = ConsumerGroup()
    group.produce(b"1")
    member = await _joined(group)
    member.fail("getmany", KafkaConnectionError("gone"))
    with pytest.raises(KafkaConnectionError):
        await member.getmany()
    assert await _values(member) == [b"1"]
    await member.lose_partitions()
    with pytest.raises(CommitFailedError):
        await member.commit()
    await member.commit()
    assert group.committed == {FIRST: 1}


def test_a_fault_that_could_never_come_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'getmeny' cannot fail"):
        ConsumerGroup().member().fail("getmeny", KafkaConnectionError())


async def test_what_is_paused_waits() -> None:
    group = ConsumerGroup(partitions=2)
    group.produce(b"1", partition=0)
    group.produce(b"2", partition=1)
    member = await _joined(group)
    member.pause(FIRST)
    assert await _values(member) == [b"2"]
    member.resume(FIRST)
    assert await _values(member) == [b"1"]


async def test_a_message_that_comes_ends_the_waiting() -> None:
    group = ConsumerGroup()
    async with await _joined(group) as member:
        waiting = asyncio.ensure_future(member.getone())
        await asyncio.sleep(0)
        group.produce(b"late", key=b"k", headers=[("h", b"v")])
        record = await asyncio.wait_for(waiting, 5)
        assert (record.value, record.key, record.headers) == (b"late", b"k", (("h", b"v"),))


async def test_one_partition_can_be_asked_for() -> None:
    group = ConsumerGroup(partitions=2)
    group.produce(b"1", partition=0)
    group.produce(b"2", partition=1)
    member = await _joined(group)
    assert (await member.getone(SECOND)).value == b"2"
    assert await member.getmany(SECOND) == {}


async def test_a_member_reads_from_where_it_is_told_to() -> None:
    group = ConsumerGroup()
    for value in (b"1", b"2"):
        group.produce(value)
    member = await _joined(group)
    await member.seek_to_end()
    assert await _values(member) == []
    await member.seek_to_beginning(FIRST)
    assert await _values(member) == [b"1", b"2"]
    assert await member.end_offsets([FIRST]) == {FIRST: 2}
    assert await member.beginning_offsets([FIRST]) == {FIRST: 0}
    assert member.highwater(FIRST) == 2


async def test_a_new_group_may_begin_at_the_end() -> None:
    group = ConsumerGroup(auto_offset_reset="latest")
    group.produce(b"old")
    member = await _joined(group)
    group.produce(b"new")
    assert await _values(member) == [b"new"]
    with pytest.raises(ValueError, match="'newest'"):
        ConsumerGroup(auto_offset_reset="newest")


async def test_a_group_knows_its_topic_only() -> None:
    member = await _joined(ConsumerGroup("a", partitions=3))
    assert member.partitions_for_topic("a") == {0, 1, 2}
    assert member.partitions_for_topic("b") is None
    assert member.subscription() == {"a"}
    with pytest.raises(ValueError, match="reads a only"):
        member.subscribe(["b"])


async def test_it_can_be_iterated() -> None:
    group = ConsumerGroup()
    group.produce(b"1")
    group.produce(b"2")
    member = await _joined(group)
    read = []
    async for record in member:
        read.append(record.value)
        if len(read) == 2:
            break
    assert read == [b"1", b"2"]
