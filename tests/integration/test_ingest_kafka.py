"""The loop on a real Kafka: backlog, dead letters, stop and restart, several members."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aggregator.config.options import BrokerConfig
from aggregator.ingest.consumer import Consumer, Settings
from aggregator.ingest.dead_letter_queue import DeadLetterQueue
from aggregator.ingest.decode.message import Decoded, Decoder
from aggregator.ingest.kafka import factory
from aggregator.ingest.kafka.producer import Outgoing, Sender
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from tests.ingest.doubles import (
    MemoryReports,
    MemoryRows,
    SimpleDecoder,
    good,
)
from tests.services import require

PARTITIONS = 4


class Scene:
    """Topics of their own on the real broker, and consumers that share them."""

    def __init__(self, brokers: str) -> None:
        unique = uuid.uuid4().hex[:12]
        self.topic = f"test.{unique}.results"
        self.letters = f"test.{unique}.letters"
        self.tracker = f"test.{unique}.tracker"
        self.broker = BrokerConfig(addresses=(brokers,), group=f"test.{unique}")
        self.reports = MemoryReports()
        self.rows = MemoryRows()
        self.metrics = Metrics()

    def consumer(self, decoder: Decoder | None = None, **settings: Any) -> Consumer:
        sender = Sender(factory.producer(self.broker))
        return Consumer(
            factory.consumer(self.broker),
            decoder or SimpleDecoder(),
            lambda reports: self.reports.store(reports),
            DeadLetterQueue(self.rows, sender, self.letters, self.metrics),
            Tracker(sender, self.tracker, "aggregator", self.metrics),
            self.metrics,
            Settings(self.topic, batch_wait=0.1, **settings),
        )

    @asynccontextmanager
    async def consuming(
        self, decoder: Decoder | None = None, **settings: Any
    ) -> AsyncIterator[Consumer]:
        consumer = self.consumer(decoder, **settings)
        running = asyncio.ensure_future(consumer.run())
        yield consumer
        consumer.stop()
        await asyncio.wait_for(running, 10)

    async def produce(self, values: list[bytes | None]) -> None:
        sender = Sender(factory.producer(self.broker))
        await sender.start()
        for lane in range(PARTITIONS):
            mine = [Outgoing(value, key=b"k") for value in values[lane::PARTITIONS]]
            assert await sender.send(self.topic, mine, lane) == []
        await sender.stop()

    async def read(self, topic: str) -> list[Any]:
        reader = AIOKafkaConsumer(bootstrap_servers=list(self.broker.addresses))
        await reader.start()
        held = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reader.assign(held)
        await reader.seek_to_beginning()
        ends = await reader.end_offsets(held)
        records: list[Any] = []
        while len(records) < sum(ends.values()):
            for part in (await reader.getmany(timeout_ms=200)).values():
                records += part
        await reader.stop()
        return records

    async def lag(self) -> int:
        reader = AIOKafkaConsumer(
            bootstrap_servers=list(self.broker.addresses),
            group_id=self.broker.group,
            enable_auto_commit=False,
        )
        await reader.start()
        held = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        reader.assign(held)
        ends = await reader.end_offsets(held)
        rest: int = sum([ends[each] - (await reader.committed(each) or 0) for each in held])
        await reader.stop()
        return rest


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    it = Scene(require("kafka"))
    admin = AIOKafkaAdminClient(bootstrap_servers=list(it.broker.addresses))
    await admin.start()
    large = {"max.message.bytes": "5000000"}
    sizes = {it.topic: large, it.letters: {}, it.tracker: {}}
    await admin.create_topics(
        [NewTopic(name, PARTITIONS, 1, topic_configs=size) for name, size in sizes.items()]
    )
    try:
        yield it
    finally:
        await admin.delete_topics(list(sizes))
        await admin.close()


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def emptied(it: Scene) -> None:
    async with asyncio.timeout(30):
        while await it.lag():
            await asyncio.sleep(0.1)


async def test_a_backlog_from_before_the_group_is_stored_and_committed() -> None:
    async with scene() as it:
        await it.produce([good(f"c{number}", request=f"r{number}") for number in range(2000)])
        async with it.consuming():
            await emptied(it)
        assert len(it.reports.rows) == 2000
        told = [json.loads(record.value) for record in await it.read(it.tracker)]
        assert len(told) == 6000
        by_request: dict[str, list[str]] = {}
        for status in told:
            by_request.setdefault(status["request_id"], []).append(status["status"])
        assert all(words == ["received", "processed", "success"] for words in by_request.values())
        assert await it.read(it.letters) == []


async def test_dead_letters_keep_everything_whatever_their_size() -> None:
    async with scene() as it:
        large = b"{" + b"x" * 3_000_000
        await it.produce([b"bad", None, large, good("c1")])
        async with it.consuming():
            await emptied(it)
        letters = {
            dict(letter.headers)["x-original-partition"]: letter
            for letter in await it.read(it.letters)
        }
        assert letters[b"0"].value == b"bad"
        assert letters[b"1"].value is None
        # the topic takes no more than 1 MiB: what is left tells where the message is
        assert letters[b"2"].value is None
        assert dict(letters[b"2"].headers)["x-value-omitted"] == b"3000001"
        assert all(letter.key == b"k" for letter in letters.values())
        assert sorted(row.partition for row in it.rows.refusals) == [0, 1, 2]
        assert set(it.reports.rows) == {"c1"}


async def test_a_stop_in_the_middle_and_a_restart_lose_nothing_and_repeat_nothing() -> None:
    async with scene() as it:
        await it.produce([good(f"c{number}") for number in range(4000)])
        async with it.consuming(batch_size=100):
            await until(lambda: len(it.reports.rows) >= 500)
        stored = len(it.reports.rows)
        assert stored < 4000
        assert await it.lag() == 4000 - stored
        async with it.consuming():
            await emptied(it)
        assert len(it.reports.rows) == 4000
        assert sum(it.reports.batches) == 4000


async def test_members_that_come_and_go_lose_nothing() -> None:
    async with scene() as it:
        await it.produce([good(f"c{number}") for number in range(4000)])
        store = it.reports.store

        async def slow(reports: Any) -> list[bool]:
            await asyncio.sleep(0.02)
            return await store(reports)

        it.reports.store = slow  # type: ignore[method-assign]
        async with it.consuming(batch_size=20):
            await until(lambda: len(it.reports.rows) >= 100)
            async with it.consuming(batch_size=20) as second:
                await until(lambda: second.readiness() == "")
                before = len(it.reports.rows)
                await until(lambda: len(it.reports.rows) >= min(4000, before + 200))
            await emptied(it)
        assert len(it.reports.rows) == 4000
        assert sum(it.reports.batches) == 4000


async def test_a_stop_while_the_database_hangs_ends_in_time() -> None:
    async with scene() as it:
        await it.produce([good("c1")])
        entered = asyncio.Event()

        async def hang(_reports: Any) -> list[bool]:
            entered.set()
            await asyncio.Event().wait()
            return []

        it.reports.store = hang  # type: ignore[method-assign, assignment]
        consumer = it.consumer()
        running = asyncio.ensure_future(consumer.run())
        await asyncio.wait_for(entered.wait(), 20)
        start = time.monotonic()
        consumer.stop()
        await asyncio.wait_for(running, 10)
        assert time.monotonic() - start < 9
        assert await it.lag() == 1


async def test_without_a_broker_the_consumer_waits_and_can_be_stopped() -> None:
    require("kafka")
    it = Scene("127.0.0.1:1")
    consumer = it.consumer()
    running = asyncio.ensure_future(consumer.run())
    await until(lambda: consumer.retrier.state.paused)
    assert "broker" in consumer.readiness()
    consumer.stop()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)


class CountingDecoder(SimpleDecoder):
    """Counts what it decodes."""

    def __init__(self) -> None:
        self.count = 0

    def decode(self, value: bytes | None) -> Decoded[Any]:
        self.count += 1
        return super().decode(value)


async def test_requests_have_their_turn_while_a_backlog_is_read() -> None:
    async with scene() as it:
        pad = "x" * 2000
        await it.produce([good(f"c{n}", request=f"r{n}", pad=pad) for n in range(4000)])
        decoder, most = CountingDecoder(), Settings("").batch_size
        seen = [(0, 0)]
        async with it.consuming(decoder):
            while len(it.reports.rows) < 4000:
                await asyncio.sleep(0)
                seen.append((decoder.count, len(it.reports.rows)))
        # a request waits for one turn of the loop: nothing in it may be as long as the backlog
        turns = [(now[0] - then[0], now[1] - then[1]) for then, now in pairwise(seen)]
        assert max(decoded for decoded, _ in turns) <= most
        assert max(stored for _, stored in turns) <= most
