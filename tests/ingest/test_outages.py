"""The loop while a dependency is away, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    KafkaConnectionError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
)

from aggregator.errors import Unavailable
from aggregator.ingest.consumer import POLLED_BATCHES
from tests.ingest.scene import FIRST, Scene, until
from tests.ingest.situations import good


async def test_while_the_database_is_away_nothing_is_set_aside_or_committed() -> None:
    scene = Scene()
    scene.reports.errors = [Unavailable("database: no")] * 10_000
    scene.group.produce(good("c1"))
    scene.group.produce(b"bad")
    async with scene.consuming() as (consumer, kafka):
        await until(lambda: consumer.retrier.state.paused)
        await until(lambda: len(scene.reports.batches) > 5)
        assert consumer.readiness() == "consuming topic is paused: database: no"
        assert scene.metric('paused{topic="topic"}') == 1
        assert kafka.paused() == {FIRST}
        assert scene.group.committed == {}
        assert (scene.letters(), scene.rows.refusals) == ([], [])
        scene.reports.errors.clear()
        await scene.consumed()
        assert consumer.readiness() == ""
        scene.group.produce(good("c2"))
        await scene.consumed()
    assert set(scene.reports.rows) == {"c1", "c2"}
    assert scene.letters() == [b"bad"]
    assert scene.metric('paused{topic="topic"}') == 0
    assert scene.metric("consumed_messages") == 3


async def test_while_the_tracker_is_away_nothing_is_committed_and_nothing_stored_twice() -> None:
    scene = Scene()
    scene.producer.fail("send", *[KafkaTimeoutError()] * 3)
    scene.group.produce(good("c1", request="req-1"))
    async with scene.consuming():
        await scene.consumed()
    assert scene.reports.batches == [1]
    assert scene.statuses() == ["received", "processed", "success"]
    assert scene.metric("written_reports") == 1


async def test_a_dead_letter_is_acknowledged_before_the_commit() -> None:
    scene = Scene()
    scene.producer.hold()
    scene.group.produce(b"bad")
    async with scene.consuming() as (consumer, _):
        await until(lambda: consumer.retrier.state.paused)
        assert scene.group.committed == {}
        scene.producer.answering.set()
        await scene.consumed()
    assert scene.letters() == [b"bad"]


async def test_a_broker_that_is_away_at_the_start_is_waited_for() -> None:
    scene = Scene()
    scene.group.produce(good("c1"))
    consumer, kafka = scene.consumer()
    kafka.fail("start", *[KafkaConnectionError("nobody there")] * 3)
    scene.producer.fail("start", KafkaConnectionError("nobody there"))
    running = asyncio.ensure_future(consumer.run())
    await asyncio.sleep(0)
    assert consumer.readiness() == "consuming topic has not begun"
    await scene.consumed()
    assert consumer.readiness() == ""
    consumer.stop()
    await running


async def test_a_stop_ends_the_wait_for_the_first_broker() -> None:
    scene = Scene()
    consumer, kafka = scene.consumer()
    kafka.fail("start", *[KafkaConnectionError("nobody there")] * 10_000)
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: consumer.retrier.state.paused)
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert kafka.stopped


async def test_a_broker_that_falls_silent_is_told_and_heard_again() -> None:
    scene = Scene(silence=0.05)
    async with scene.consuming() as (consumer, kafka):
        await until(lambda: consumer.readiness() == "")
        kafka.silent_since = 1.0
        await until(lambda: "does not answer" in consumer.readiness())
        kafka.silent_since = None
        await until(lambda: consumer.readiness() == "")


async def test_the_time_of_a_long_batch_is_no_silence(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(silence=0.5)
    async with scene.consuming() as (_, kafka):
        scene.producer.hold()
        scene.group.produce(good("c1", request="r"))
        await until(lambda: "c1" in scene.reports.rows)
        kafka.silent_since = time.time()
        await asyncio.sleep(0.6)
        scene.producer.answering.set()
        await scene.consumed()
        await asyncio.sleep(0.03)
    assert "does not answer" not in caplog.text


async def test_a_stop_finishes_the_batches_in_hand_and_takes_no_other() -> None:
    scene = Scene(batch_size=2)
    for number in range(40):
        scene.group.produce(good(f"c{number}", request="r"))
    scene.producer.hold()
    consumer, kafka = scene.consumer()
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: len(scene.reports.rows) >= 2)
    consumer.stop()
    await asyncio.sleep(0.02)
    assert not running.done()
    scene.producer.answering.set()
    await running
    stored = len(scene.reports.rows)
    assert stored <= 6
    assert scene.group.committed == {FIRST: stored}
    assert set(scene.reports.rows) == {f"c{number}" for number in range(stored)}
    assert scene.letters() == []
    assert (kafka.stopped, scene.producer.stopped) == (True, True)


async def test_one_batch_is_told_of_while_the_next_is_stored() -> None:
    scene = Scene(batch_size=2)
    for number in range(6):
        scene.group.produce(good(f"c{number}", request="r"))
    scene.producer.hold()
    async with scene.consuming():
        await until(lambda: len(scene.reports.rows) == 4)
        assert scene.group.committed == {}
        scene.producer.answering.set()
        await scene.consumed()
    assert scene.statuses()[:6] == ["received", "processed", "success"] * 2


async def test_what_is_there_already_is_taken_before_the_last_batch_is_told_of() -> None:
    scene = Scene(batch_size=1)
    for number in range(2 * POLLED_BATCHES):
        scene.group.produce(good(f"c{number}", request="r"))
    store = scene.reports.store

    async def stored(reports: Sequence[Any]) -> list[bool]:
        if reports[0]["cluster"] == f"c{POLLED_BATCHES - 1}":
            await until(lambda: scene.group.committed == {FIRST: POLLED_BATCHES - 1})
            scene.producer.hold()
        return await store(reports)

    scene.reports.store = stored  # type: ignore[method-assign]
    async with scene.consuming():
        await until(lambda: f"c{POLLED_BATCHES}" in scene.reports.rows)
        assert scene.group.committed == {FIRST: POLLED_BATCHES - 1}
        scene.producer.answering.set()
        await scene.consumed()


async def test_a_stop_while_the_database_is_away_leaves_the_batch_uncommitted() -> None:
    scene = Scene()
    scene.group.produce(good("c1"))
    scene.reports.errors = [Unavailable("database: no")] * 10_000
    consumer, _ = scene.consumer()
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: consumer.retrier.state.paused)
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert scene.group.committed == {}
    scene.reports.errors.clear()
    async with scene.consuming():
        await scene.consumed()
    assert set(scene.reports.rows) == {"c1"}


async def test_a_stop_does_not_wait_for_ever_for_an_attempt_that_hangs() -> None:
    scene = Scene(grace=0.05)
    scene.group.produce(good("c1"))
    entered = asyncio.Event()

    async def hang(_reports: Any) -> list[bool]:
        entered.set()
        await asyncio.Event().wait()
        return []

    scene.reports.store = hang  # type: ignore[method-assign, assignment]
    consumer, _ = scene.consumer()
    running = asyncio.ensure_future(consumer.run())
    await entered.wait()
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert scene.group.committed == {}


async def test_the_unexpected_stops_the_consumer_uncommitted() -> None:
    scene = Scene()
    scene.reports.errors = [ZeroDivisionError("a bug")]
    scene.group.produce(good("c1"))
    consumer, kafka = scene.consumer()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(consumer.run(), 5)
    assert scene.group.committed == {}
    assert kafka.stopped


async def test_an_error_of_the_broker_that_waiting_cannot_heal_stops_the_consumer() -> None:
    scene = Scene()
    consumer, kafka = scene.consumer()
    kafka.fail("getmany", CorruptRecordException())
    with pytest.raises(CorruptRecordException):
        await asyncio.wait_for(consumer.run(), 5)


async def test_an_error_of_the_broker_that_passes_is_waited_for() -> None:
    scene = Scene()
    scene.group.produce(good("c1"))
    consumer, kafka = scene.consumer()
    kafka.fail("getmany", NotLeaderForPartitionError(), NotLeaderForPartitionError())
    running = asyncio.ensure_future(consumer.run())
    await scene.consumed()
    consumer.stop()
    await running


async def test_a_commit_that_times_out_is_repeated() -> None:
    scene = Scene()
    scene.group.produce(good("c1"))
    consumer, kafka = scene.consumer()
    kafka.fail("commit", KafkaTimeoutError(), TimeoutError())
    running = asyncio.ensure_future(consumer.run())
    await scene.consumed()
    consumer.stop()
    await running
    assert kafka.calls.count("commit") == 3
    assert scene.reports.batches == [1]
