"""The loop in a group that changes."""

from __future__ import annotations

import asyncio

from aiokafka import TopicPartition

from aggregator.errors import Unavailable
from tests.ingest.doubles import good
from tests.ingest.harness import FIRST, Harness, until


async def test_a_commit_that_fails_for_a_rebalance_is_dropped_and_reading_goes_on() -> None:
    harness = Harness(batch_size=1)
    harness.group.produce(good("c1"))
    harness.group.produce(good("c2"))
    consumer, kafka = harness.consumer()
    await kafka.lose_partitions()
    running = asyncio.ensure_future(consumer.run())
    await harness.consumed()
    consumer.stop()
    await running
    assert set(harness.reports.rows) == {"c1", "c2"}


async def test_a_rebalance_waits_for_the_batch_in_hand() -> None:
    harness = Harness(partitions=2)
    harness.group.produce(good("c1", request="r"))
    harness.producer.hold()
    async with harness.consuming():
        await until(lambda: "c1" in harness.reports.rows)
        rebalancing = asyncio.ensure_future(harness.group.rebalance())
        await asyncio.sleep(0.01)
        assert not rebalancing.done()
        harness.producer.answering.set()
        await rebalancing
        assert harness.group.committed == {FIRST: 1}
    assert harness.reports.batches == [1]


async def test_a_rebalance_does_not_wait_for_a_database_that_is_away() -> None:
    harness = Harness()
    harness.group.produce(good("c1"))
    harness.reports.errors = [Unavailable("database: no")] * 10_000
    async with harness.consuming() as (consumer, _):
        await until(lambda: consumer.retrier.state.paused)
        await asyncio.wait_for(harness.group.rebalance(), 5)
        harness.reports.errors.clear()
        await harness.consumed()
    assert set(harness.reports.rows) == {"c1"}


async def test_a_rebalance_waits_only_so_long_for_a_batch_that_hangs() -> None:
    harness = Harness(drain=0.02)
    harness.group.produce(good("c1", request="r"))
    harness.producer.hold()
    async with harness.consuming():
        await until(lambda: "c1" in harness.reports.rows)
        await asyncio.wait_for(harness.group.rebalance(), 5)
        harness.producer.answering.set()
        await harness.consumed()
    assert harness.statuses()[-3:] == ["received", "processed", "success"]


async def test_members_that_come_and_go_lose_nothing() -> None:
    harness = Harness(partitions=4, batch_size=3)
    for number in range(200):
        harness.group.produce(good(f"c{number}"), partition=number % 4)
    async with harness.consuming():
        await until(lambda: len(harness.reports.rows) > 20)
        async with harness.consuming():
            await until(lambda: len(harness.reports.rows) > 60)
        await until(lambda: len(harness.reports.rows) > 100)
        async with harness.consuming():
            await harness.consumed()
    assert len(harness.reports.rows) == 200
    assert sum(harness.group.committed.values()) == 200
    assert harness.letters() == []


async def test_polling_while_paused_loses_no_message_of_partitions_that_are_new() -> None:
    harness = Harness(partitions=2)
    harness.group.produce(good("c1"))
    harness.reports.errors = [Unavailable("database: no")] * 10_000
    async with harness.consuming() as (consumer, kafka):
        await until(lambda: consumer.retrier.state.paused)
        kafka.resume(FIRST, TopicPartition("topic", 1))
        harness.group.produce(good("c2"), partition=1)
        polls = kafka.calls.count("getmany")
        await until(lambda: kafka.calls.count("getmany") > polls + 3)
        harness.reports.errors.clear()
        await harness.consumed()
    assert set(harness.reports.rows) == {"c1", "c2"}
