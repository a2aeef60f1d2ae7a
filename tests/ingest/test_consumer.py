"""The consumer with a group in memory: messages that are stored, and invalid ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from aggregator.errors import DeadLetterLimitReached
from aggregator.ingest import reporting
from aggregator.ingest.batch import MIN_SHARD
from aggregator.ingest.budget import Budget
from aggregator.ingest.consumer import DIVISOR_WHILE_READ
from aggregator.ingest.dead_letter_queue import Limit
from aggregator.ingest.decode import executor
from aggregator.ingest.decode.message import Decoded
from tests.ingest.doubles import SimpleDecoder, good, record
from tests.ingest.harness import FIRST, Harness, until


async def test_messages_are_stored_told_and_committed() -> None:
    harness = Harness()
    for number in range(10):
        harness.group.produce(good(f"c{number}", request=f"req-{number}"))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.rows == {f"c{number}": 0 for number in range(10)}
    assert harness.reports.batches == [10]
    assert harness.group.committed == {FIRST: 10}
    assert harness.statuses() == ["received", "processed", "success"] * 10
    assert harness.letters() == []
    assert harness.metric("consumed_messages") == 10
    assert harness.metric("written_reports") == 10
    assert harness.metric("produced_messages") == 30
    assert harness.metric("successful_messages_processing_time_count") == 10
    assert harness.metric("failed_messages_processing_time_count") == 0
    assert harness.metric("last_checked_timestamp_lag_minutes_count") == 10
    assert harness.metric("batch_size_sum") == 10


async def test_a_bad_message_is_set_aside_and_the_others_are_kept() -> None:
    harness = Harness()
    harness.group.produce(good("c1", request="req-1"))
    harness.group.produce(b"no JSON", key=b"k")
    harness.group.produce(good("c2", request="req-2"))
    async with harness.consuming():
        await harness.consumed()
    assert set(harness.reports.rows) == {"c1", "c2"}
    assert harness.letters() == [b"no JSON"]
    assert [(row.offset, row.key) for row in harness.rows.refusals] == [(1, b"k")]
    assert harness.metric("consuming_errors") == 1
    assert harness.metric('refused_messages{kind="json"}') == 1
    assert harness.metric("failed_messages_processing_time_count") == 1
    assert harness.metric("successful_messages_processing_time_count") == 2


async def test_an_empty_report_is_a_success_that_stores_nothing() -> None:
    harness = Harness()
    harness.group.produce(good("c1", empty=True, request="req-1"))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == []
    assert harness.statuses() == ["received", "processed", "success"]
    assert harness.metric("messages_with_empty_rule_execution_result") == 1
    assert harness.metric("successful_messages_processing_time_count") == 1
    assert harness.metric("written_reports") == 0


async def test_an_old_report_is_a_success_that_is_not_written() -> None:
    harness = Harness()
    harness.group.produce(good("c1", 2))
    harness.group.produce(good("c1", 1))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.rows == {"c1": 2}
    assert harness.metric("written_reports") == 1
    assert harness.metric("old_reports") == 1
    assert harness.metric("successful_messages_processing_time_count") == 2


async def test_what_the_database_refuses_is_found_and_set_aside() -> None:
    harness = Harness()
    harness.reports.poison = {"c3", "c4", "c11"}
    for number in range(16):
        harness.group.produce(good(f"c{number}", request=f"req-{number}"))
    async with harness.consuming():
        await harness.consumed()
    assert set(harness.reports.rows) == {f"c{n}" for n in range(16)} - harness.reports.poison
    assert [row.offset for row in harness.rows.refusals] == [3, 4, 11]
    assert harness.rows.refusals[0].error == "the database refuses c3"
    assert harness.metric('refused_messages{kind="database"}') == 3
    assert harness.metric("written_reports") == 13
    words = [
        word
        for n in range(16)
        for word in ("received", "processed", "error" if n in (3, 4, 11) else "success")
    ]
    assert harness.statuses() == words


async def test_too_many_refused_messages_stop_the_consumer_before_they_are_set_aside() -> None:
    harness = Harness(limit=Limit(max_consecutive=5))
    for _ in range(5):
        harness.group.produce(b"bad")
    consumer, _ = harness.consumer()
    with pytest.raises(DeadLetterLimitReached, match="5 consecutive messages"):
        await asyncio.wait_for(consumer.run(), 5)
    assert harness.group.committed == {}
    assert harness.letters() == []


async def test_batches_are_small_while_somebody_reads() -> None:
    reading = True
    harness = Harness(batch_size=8, readers_active=lambda: reading)
    for number in range(16):
        harness.group.produce(good(f"c{number}"))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == [2] * 8
    reading = False
    for number in range(16):
        harness.group.produce(good(f"d{number}"))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == [2] * 8 + [8] * 2


@pytest.mark.parametrize(("reading", "transactions"), [(False, 2), (True, 1)])
async def test_a_batch_is_one_transaction_while_somebody_reads(
    reading: bool, transactions: int
) -> None:
    small = 2 * MIN_SHARD
    size = DIVISOR_WHILE_READ * small if reading else small
    harness = Harness(batch_size=size, shards=2, readers_active=lambda: reading)
    for number in range(small):
        harness.group.produce(good(f"c{number}"))
    async with harness.consuming():
        await harness.consumed()
    assert len(harness.reports.batches) == transactions
    assert sum(harness.reports.batches) == small


async def test_large_messages_come_in_small_batches() -> None:
    harness = Harness(batch_bytes=1000)
    for number in range(10):
        harness.group.produce(good(f"c{number}", pad="x" * 400))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == [2] * 5
    for number in range(10):
        harness.group.produce(good(f"d{number}", pad="x" * 4000))
    async with harness.consuming():
        await harness.consumed()
    assert harness.reports.batches == [2] * 5 + [1] * 10


async def test_the_lag_is_told_by_partition() -> None:
    harness = Harness(partitions=2, batch_size=2)
    for number in range(5):
        harness.group.produce(good(f"c{number}"), partition=1)
    harness.reports.errors = []
    async with harness.consuming():
        await harness.consumed()
        assert harness.metric('consumer_lag{topic="topic",partition="1"}') == 0
        harness.producer.hold()
        for number in range(5):
            harness.group.produce(good(f"d{number}", request="r"), partition=1)
        await until(lambda: "d0" in harness.reports.rows)
        harness.producer.answering.set()
        await harness.consumed()


async def test_a_batch_that_lasts_long_is_no_reason_to_lose_the_partitions() -> None:
    harness = Harness(batch_size=1, poll_interval=0.0)
    for number in range(20):
        harness.group.produce(good(f"c{number}"))
    async with harness.consuming() as (_, kafka):
        await harness.consumed()
        assert not kafka.paused()
    assert harness.reports.batches == [1] * 20
    assert harness.group.committed == {FIRST: 20}


class SlowDecoder(SimpleDecoder):
    """Takes a millisecond for a message."""

    def decode(self, value: bytes | None) -> Decoded[Any]:
        time.sleep(0.001)
        return super().decode(value)


async def test_decoding_a_large_batch_lets_others_have_their_turn() -> None:
    records = [record(good(f"c{number}")) for number in range(100)]

    async def parts() -> AsyncGenerator[list[ConsumerRecord], None]:
        yield records

    turns = 0
    async with (
        aclosing(parts()) as chunks,
        aclosing(executor.decoded(chunks, SlowDecoder(), Budget())) as outcomes,
    ):
        first = asyncio.ensure_future(anext(outcomes))
        while not first.done():
            turns += 1
            await asyncio.sleep(0)
        assert len(first.result()) == 100
    # at the latest every 5 ms, in 100 ms of work or more
    assert turns > 10


async def test_a_refused_message_is_shown_in_the_log_only_when_that_is_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for show in (False, True):
        harness = Harness(log_invalid_messages=show)
        harness.group.produce(b"bad \xff")
        async with harness.consuming():
            await harness.consumed()
    # under load, a pause may be logged as well
    hidden, shown = (each for each in caplog.records if each.name == reporting.__name__)
    assert "unparsed message" not in vars(hidden)["fields"]
    assert vars(shown)["fields"]["unparsed message"] == "bad \ufffd"
    assert shown.getMessage() == "Error processing message consumed from Kafka"
    assert vars(shown)["fields"]["request ID"] == "missing"
