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
from tests.ingest.doubles import good
from tests.ingest.harness import FIRST, Harness, until


async def test_while_the_database_is_away_nothing_is_set_aside_or_committed() -> None:
    harness = Harness()
    harness.reports.errors = [Unavailable("database: no")] * 10_000
    harness.group.produce(good("c1"))
    harness.group.produce(b"bad")
    async with harness.consuming() as (consumer, kafka):
        await until(lambda: consumer.retrier.state.paused)
        await until(lambda: len(harness.reports.batches) > 5)
        assert consumer.readiness() == "consuming topic is paused: database: no"
        assert harness.metric('paused{topic="topic"}') == 1
        assert kafka.paused() == {FIRST}
        assert harness.group.committed == {}
        assert (harness.letters(), harness.rows.refusals) == ([], [])
        harness.reports.errors.clear()
        await harness.consumed()
        assert consumer.readiness() == ""
        harness.group.produce(good("c2"))
        await harness.consumed()
    assert set(harness.reports.rows) == {"c1", "c2"}
    assert harness.letters() == [b"bad"]
    assert harness.metric('paused{topic="topic"}') == 0
    assert harness.metric("consumed_messages") == 3


async def test_while_the_tracker_is_away_nothing_is_committed_and_nothing_stored_twice() -> None:
    harness = Harness()
    harness.producer.fail("send", *[KafkaTimeoutError()] * 3)
    harness.group.produce(good("c1", request="req-1"))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == [1]
    assert harness.statuses() == ["received", "processed", "success"]
    assert harness.metric("written_reports") == 1


async def test_a_dead_letter_is_acknowledged_before_the_commit() -> None:
    harness = Harness()
    harness.producer.hold()
    harness.group.produce(b"bad")
    async with harness.consuming() as (consumer, _):
        await until(lambda: consumer.retrier.state.paused)
        assert harness.group.committed == {}
        harness.producer.answering.set()
        await harness.consumed()
    assert harness.letters() == [b"bad"]


async def test_a_broker_that_is_away_at_the_start_is_waited_for() -> None:
    harness = Harness()
    harness.group.produce(good("c1"))
    consumer, kafka = harness.consumer()
    kafka.fail("start", *[KafkaConnectionError("nobody there")] * 3)
    harness.producer.fail("start", KafkaConnectionError("nobody there"))
    running = asyncio.ensure_future(consumer.run())
    await asyncio.sleep(0)
    assert consumer.readiness() == "consuming topic has not begun"
    await harness.consumed()
    assert consumer.readiness() == ""
    consumer.stop()
    await running


async def test_a_stop_ends_the_wait_for_the_first_broker() -> None:
    harness = Harness()
    consumer, kafka = harness.consumer()
    kafka.fail("start", *[KafkaConnectionError("nobody there")] * 10_000)
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: consumer.retrier.state.paused)
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert kafka.stopped


async def test_a_broker_that_falls_silent_is_told_and_heard_again() -> None:
    harness = Harness(silence=0.05)
    async with harness.consuming() as (consumer, kafka):
        await until(lambda: consumer.readiness() == "")
        kafka.silent_since = 1.0
        await until(lambda: "does not answer" in consumer.readiness())
        kafka.silent_since = None
        await until(lambda: consumer.readiness() == "")


async def test_the_time_of_a_long_batch_is_no_silence(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(silence=0.5)
    async with harness.consuming() as (_, kafka):
        harness.producer.hold()
        harness.group.produce(good("c1", request="r"))
        await until(lambda: "c1" in harness.reports.rows)
        kafka.silent_since = time.time()
        await asyncio.sleep(0.6)
        harness.producer.answering.set()
        await harness.consumed()
        await asyncio.sleep(0.03)
    assert "does not answer" not in caplog.text


async def test_a_stop_finishes_the_batches_in_hand_and_takes_no_other() -> None:
    harness = Harness(batch_size=2)
    for number in range(40):
        harness.group.produce(good(f"c{number}", request="r"))
    harness.producer.hold()
    consumer, kafka = harness.consumer()
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: len(harness.reports.rows) >= 2)
    consumer.stop()
    await asyncio.sleep(0.02)
    assert not running.done()
    harness.producer.answering.set()
    await running
    stored = len(harness.reports.rows)
    assert stored <= 6
    assert harness.group.committed == {FIRST: stored}
    assert set(harness.reports.rows) == {f"c{number}" for number in range(stored)}
    assert harness.letters() == []
    assert (kafka.stopped, harness.producer.stopped) == (True, True)


async def test_one_batch_is_told_of_while_the_next_is_stored() -> None:
    harness = Harness(batch_size=2)
    for number in range(6):
        harness.group.produce(good(f"c{number}", request="r"))
    harness.producer.hold()
    async with harness.consuming():
        await until(lambda: len(harness.reports.rows) == 4)
        assert harness.group.committed == {}
        harness.producer.answering.set()
        await harness.consumed()
    assert harness.statuses()[:6] == ["received", "processed", "success"] * 2


async def test_what_is_there_already_is_taken_before_the_last_batch_is_told_of() -> None:
    harness = Harness(batch_size=1)
    for number in range(2 * POLLED_BATCHES):
        harness.group.produce(good(f"c{number}", request="r"))
    store = harness.reports.store

    async def stored(reports: Sequence[Any]) -> list[bool]:
        if reports[0]["cluster"] == f"c{POLLED_BATCHES - 1}":
            await until(lambda: harness.group.committed == {FIRST: POLLED_BATCHES - 1})
            harness.producer.hold()
        return await store(reports)

    harness.reports.store = stored  # type: ignore[method-assign]
    async with harness.consuming():
        await until(lambda: f"c{POLLED_BATCHES}" in harness.reports.rows)
        assert harness.group.committed == {FIRST: POLLED_BATCHES - 1}
        harness.producer.answering.set()
        await harness.consumed()


async def test_a_stop_while_the_database_is_away_leaves_the_batch_uncommitted() -> None:
    harness = Harness()
    harness.group.produce(good("c1"))
    harness.reports.errors = [Unavailable("database: no")] * 10_000
    consumer, _ = harness.consumer()
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: consumer.retrier.state.paused)
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert harness.group.committed == {}
    harness.reports.errors.clear()
    async with harness.consuming():
        await harness.consumed()
    assert set(harness.reports.rows) == {"c1"}


async def test_a_stop_does_not_wait_for_ever_for_an_attempt_that_hangs() -> None:
    harness = Harness(grace=0.05)
    harness.group.produce(good("c1"))
    entered = asyncio.Event()

    async def hang(_reports: Any) -> list[bool]:
        entered.set()
        await asyncio.Event().wait()
        return []

    harness.reports.store = hang  # type: ignore[method-assign, assignment]
    consumer, _ = harness.consumer()
    running = asyncio.ensure_future(consumer.run())
    await entered.wait()
    consumer.stop()
    await asyncio.wait_for(running, 5)
    assert harness.group.committed == {}


async def test_the_unexpected_stops_the_consumer_uncommitted() -> None:
    harness = Harness()
    harness.reports.errors = [ZeroDivisionError("a bug")]
    harness.group.produce(good("c1"))
    consumer, kafka = harness.consumer()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(consumer.run(), 5)
    assert harness.group.committed == {}
    assert kafka.stopped


async def test_an_error_of_the_broker_that_waiting_cannot_heal_stops_the_consumer() -> None:
    harness = Harness()
    consumer, kafka = harness.consumer()
    kafka.fail("getmany", CorruptRecordException())
    with pytest.raises(CorruptRecordException):
        await asyncio.wait_for(consumer.run(), 5)


async def test_an_error_of_the_broker_that_passes_is_waited_for() -> None:
    harness = Harness()
    harness.group.produce(good("c1"))
    consumer, kafka = harness.consumer()
    kafka.fail("getmany", NotLeaderForPartitionError(), NotLeaderForPartitionError())
    running = asyncio.ensure_future(consumer.run())
    await harness.consumed()
    consumer.stop()
    await running


async def test_a_commit_that_times_out_is_repeated() -> None:
    harness = Harness()
    harness.group.produce(good("c1"))
    consumer, kafka = harness.consumer()
    kafka.fail("commit", KafkaTimeoutError(), TimeoutError())
    running = asyncio.ensure_future(consumer.run())
    await harness.consumed()
    consumer.stop()
    await running
    assert kafka.calls.count("commit") == 3
    assert harness.reports.batches == [1]
