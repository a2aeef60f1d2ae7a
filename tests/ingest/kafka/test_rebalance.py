"""The loop in a group that changes."""

from __future__ import annotations

import asyncio

from aiokafka import TopicPartition

from aggregator.errors import Unavailable
from tests.ingest.scene import FIRST, Scene, until
from tests.ingest.situations import good


async def test_a_commit_that_fails_for_a_rebalance_is_dropped_and_reading_goes_on() -> None:
    scene = Scene(batch_size=1)
    scene.group.produce(good("c1"))
    scene.group.produce(good("c2"))
    consumer, kafka = scene.consumer()
    await kafka.lose_partitions()
    running = asyncio.ensure_future(consumer.run())
    await scene.consumed()
    consumer.stop()
    await running
    assert set(scene.reports.rows) == {"c1", "c2"}


async def test_a_rebalance_waits_for_the_batch_in_hand() -> None:
    scene = Scene(partitions=2)
    scene.group.produce(good("c1", request="r"))
    scene.producer.hold()
    async with scene.consuming():
        await until(lambda: "c1" in scene.reports.rows)
        rebalancing = asyncio.ensure_future(scene.group.rebalance())
        await asyncio.sleep(0.01)
        assert not rebalancing.done()
        scene.producer.answering.set()
        await rebalancing
        assert scene.group.committed == {FIRST: 1}
    assert scene.reports.batches == [1]


async def test_a_rebalance_does_not_wait_for_a_database_that_is_away() -> None:
    scene = Scene()
    scene.group.produce(good("c1"))
    scene.reports.errors = [Unavailable("database: no")] * 10_000
    async with scene.consuming() as (consumer, _):
        await until(lambda: consumer.retrier.state.paused)
        await asyncio.wait_for(scene.group.rebalance(), 5)
        scene.reports.errors.clear()
        await scene.consumed()
    assert set(scene.reports.rows) == {"c1"}


async def test_a_rebalance_waits_only_so_long_for_a_batch_that_hangs() -> None:
    scene = Scene(drain=0.02)
    scene.group.produce(good("c1", request="r"))
    scene.producer.hold()
    async with scene.consuming():
        await until(lambda: "c1" in scene.reports.rows)
        await asyncio.wait_for(scene.group.rebalance(), 5)
        scene.producer.answering.set()
        await scene.consumed()
    assert scene.statuses()[-3:] == ["received", "processed", "success"]


async def test_members_that_come_and_go_lose_nothing() -> None:
    scene = Scene(partitions=4, batch_size=3)
    for number in range(200):
        scene.group.produce(good(f"c{number}"), partition=number % 4)
    async with scene.consuming():
        await until(lambda: len(scene.reports.rows) > 20)
        async with scene.consuming():
            await until(lambda: len(scene.reports.rows) > 60)
        await until(lambda: len(scene.reports.rows) > 100)
        async with scene.consuming():
            await scene.consumed()
    assert len(scene.reports.rows) == 200
    assert sum(scene.group.committed.values()) == 200
    assert scene.letters() == []


async def test_polling_while_paused_loses_no_message_of_partitions_that_are_new() -> None:
    scene = Scene(partitions=2)
    scene.group.produce(good("c1"))
    scene.reports.errors = [Unavailable("database: no")] * 10_000
    async with scene.consuming() as (consumer, kafka):
        await until(lambda: consumer.retrier.state.paused)
        kafka.resume(FIRST, TopicPartition("topic", 1))
        scene.group.produce(good("c2"), partition=1)
        polls = kafka.calls.count("getmany")
        await until(lambda: kafka.calls.count("getmany") > polls + 3)
        scene.reports.errors.clear()
        await scene.consumed()
    assert set(scene.reports.rows) == {"c1", "c2"}
