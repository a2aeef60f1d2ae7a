"""Transactional producers: which of their messages are consumed, and what the lag is then."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aggregator.config.options import BrokerConfig, Config
from aggregator.ingest.consumer import Consumer, Settings
from aggregator.ingest.dead_letter_queue import DeadLetterQueue
from aggregator.ingest.kafka import factory
from aggregator.ingest.kafka.admin import open_brokers
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from tests.ingest.doubles import MemoryReports, SimpleDecoder, good
from tests.program import in_process
from tests.services import require

LEVELS = ("read_uncommitted", "read_committed")


class Scene:
    """A topic of one partition, a transactional producer, and what a consumer has stored."""

    def __init__(self, level: str) -> None:
        name = f"test.{uuid.uuid4().hex[:12]}"
        self.broker = BrokerConfig(
            addresses=(require("kafka"),), topic=name, group=name, isolation_level=level
        )
        self.place = TopicPartition(name, 0)
        self.reports = MemoryReports()
        self.metrics = Metrics()
        self.producer = AIOKafkaProducer(
            bootstrap_servers=self.broker.addresses[0], transactional_id=name
        )

    async def send(self, *clusters: str) -> None:
        for cluster in clusters:
            await self.producer.send_and_wait(self.place.topic, good(cluster))

    async def commit(self, *clusters: str) -> None:
        async with self.producer.transaction():
            await self.send(*clusters)

    async def abort(self, *clusters: str) -> None:
        await self.producer.begin_transaction()
        await self.send(*clusters)
        await self.producer.abort_transaction()

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[Consumer]:
        consumer = Consumer(
            factory.consumer(self.broker),
            SimpleDecoder(),
            self.reports.store,
            DeadLetterQueue(None, None, "", self.metrics),
            Tracker(None, "", "", self.metrics),
            self.metrics,
            Settings(self.place.topic, batch_wait=0.05),
        )
        running = asyncio.ensure_future(consumer.run())
        try:
            yield consumer
        finally:
            consumer.stop()
            await asyncio.wait_for(running, 15)

    async def stored(self, *clusters: str) -> None:
        await until(lambda: self.reports.rows.keys() >= set(clusters))
        assert self.reports.rows.keys() == set(clusters)

    async def committed(self) -> int:
        async with open_brokers(self.broker) as brokers:
            return (await brokers.committed(self.broker.group, [self.place])).get(self.place, 0)

    async def caught_up(self, end: int) -> None:
        async with asyncio.timeout(30):
            while await self.committed() < end:
                await asyncio.sleep(0.1)
        await until(lambda: self.told_lag() == ["0.0"])

    def told_lag(self) -> list[str]:
        lines = self.metrics.render().decode().splitlines()
        return [line.rpartition(" ")[2] for line in lines if line.startswith("consumer_lag{")]

    async def lag(self, capsys: pytest.CaptureFixture[str]) -> int:
        """Return what the command says."""
        config = replace(Config(), broker=self.broker)
        assert await asyncio.to_thread(in_process("lag"), config, ["--json"]) == 0
        return int(json.loads(capsys.readouterr().out)["lag"])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


@asynccontextmanager
async def transactions(level: str) -> AsyncIterator[Scene]:
    scene = Scene(level)
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.broker.addresses[0])
    await admin.start()
    await admin.create_topics([NewTopic(scene.place.topic, 1, 1)])
    await scene.producer.start()
    try:
        yield scene
    finally:
        await scene.producer.stop()
        await admin.delete_topics([scene.place.topic])
        await admin.close()


@pytest.mark.parametrize("level", LEVELS)
async def test_a_group_is_not_behind_for_a_control_record(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with transactions(level) as scene:
        await scene.commit("a", "b")
        assert await scene.lag(capsys) == 3
        async with scene.consuming():
            await scene.stored("a", "b")
            await scene.caught_up(3)
            assert await scene.lag(capsys) == 0
            await scene.commit("c")
            await scene.stored("a", "b", "c")
            await scene.caught_up(5)
        assert await scene.lag(capsys) == 0


@pytest.mark.parametrize("level", LEVELS)
async def test_messages_of_an_aborted_transaction_are_consumed_as_configured(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with transactions(level) as scene:
        await scene.commit("a")
        await scene.abort("b", "c")
        seen = ("a",) if level == "read_committed" else ("a", "b", "c")
        async with scene.consuming():
            await scene.stored(*seen)
            await scene.caught_up(5)
        assert await scene.lag(capsys) == 0
        await scene.abort("d")
        assert await scene.lag(capsys) == (0 if level == "read_committed" else 2)


async def test_an_open_transaction_is_no_lag_where_only_committed_messages_are_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with transactions("read_committed") as scene:
        await scene.commit("a")
        async with scene.consuming():
            await scene.stored("a")
            await scene.caught_up(2)
            await scene.producer.begin_transaction()
            await scene.send("b")
            assert await scene.lag(capsys) == 0
            await scene.producer.commit_transaction()
            await scene.stored("a", "b")
            await scene.caught_up(4)


async def test_a_control_record_behind_the_commit_of_another_service_is_no_lag(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with transactions("read_uncommitted") as scene:
        await scene.commit("a")
        async with AIOKafkaConsumer(
            bootstrap_servers=scene.broker.addresses[0],
            group_id=scene.broker.group,
            enable_auto_commit=False,
        ) as other:
            other.assign([scene.place])
            await other.commit({scene.place: 1})
        assert await scene.committed() == 1
        assert await scene.lag(capsys) == 0
