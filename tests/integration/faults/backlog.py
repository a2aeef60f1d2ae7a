"""A backlog in four partitions, the services that consume it, and checks of the stored rows."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from aggregator.db import tables as t
from aggregator.db.engine import open_url
from tests.databases import fresh_database
from tests.db.stores import migrated
from tests.integration.faults.service_state import MessageCounts
from tests.integration.program import Program, until
from tests.integration.test_main_job import cluster, count, message
from tests.services import require

MESSAGES = int(os.environ.get("FAULT_MESSAGES", "8000"))
PARTITIONS = 4
CONSUMED_SECONDS = 240
# records with old timestamps would be deleted by the broker, whose retention goes by them
KEEP = {"retention.ms": "-1"}


@dataclass
class Backlog:
    """A topic with two reports of every cluster, a database, and a broker that tells of both."""

    folder: Path
    brokers: str
    topic: str
    url: sa.URL
    engine: Any
    admin: AIOKafkaAdminClient
    produced: int = 0
    services: list[Program] = field(default_factory=list)

    def service(self) -> Program:
        """Return one more service of the group."""
        folder = self.folder / str(len(self.services))
        folder.mkdir()
        self.services.append(Program(folder, self.brokers, self.topic, self.url))
        return self.services[-1]

    async def create(self, topic: str) -> None:
        """Create a topic of one partition."""
        await self.admin.create_topics([NewTopic(topic, 1, 1)])

    async def fill(self, others: Iterable[tuple[int, bytes]] = ()) -> None:
        """Send both reports of every cluster, and others at their places among them."""
        half = MESSAGES // 2
        values = [message(number, minute=minute) for minute in (0, 1) for number in range(half)]
        extra = dict(others)
        producer = AIOKafkaProducer(bootstrap_servers=self.brokers, linger_ms=20)
        await producer.start()
        try:
            for at, value in enumerate(values):
                # a cluster's reports come in one partition, as their key would have it
                await producer.send(self.topic, value, partition=at % half % PARTITIONS)
                if at in extra:
                    await producer.send(self.topic, extra[at], partition=at % PARTITIONS)
            await producer.flush()
        finally:
            await producer.stop()
        self.produced = len(values) + len(extra)

    async def send(self, number: int) -> None:
        """Send a report of each of this number of other clusters."""
        producer = AIOKafkaProducer(bootstrap_servers=self.brokers)
        await producer.start()
        try:
            for at in range(self.produced, self.produced + number):
                await producer.send(self.topic, message(at), partition=at % PARTITIONS)
            await producer.flush()
        finally:
            await producer.stop()
        self.produced += number

    async def assert_accounted_for(self, program: Program, refused: int = 0) -> MessageCounts:
        """Check metrics, dead letters and consumer_error rows of the only service."""
        account = await MessageCounts.of(program)
        assert account.refused == refused == len(await self.letters())
        assert account.refused == await count(self.engine, t.consumer_error)
        return account

    async def committed(self) -> int:
        """Return how many messages the group has committed."""
        try:
            offsets = await self.admin.list_consumer_group_offsets(f"{self.topic}.group")
        except GroupCoordinatorNotAvailableError:
            # no group has joined at this broker yet, so nothing is committed
            return 0
        return sum(one.offset for place, one in offsets.items() if place.topic == self.topic)

    async def consumed(self) -> None:
        """Wait until all messages are committed."""

        async def all_of_it() -> bool:
            return await self.committed() >= self.produced

        await until(all_of_it, CONSUMED_SECONDS)

    async def begun(self) -> None:
        """Wait until something is stored."""

        async def something() -> bool:
            return await count(self.engine, t.report) > 0

        await until(something, 60)

    async def letters(self) -> list[ConsumerRecord]:
        """Return all dead letters."""
        place = TopicPartition(f"{self.topic}.dead", 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.brokers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            found: list[ConsumerRecord] = []
            while await consumer.position(place) < end:
                found += (await consumer.getmany(timeout_ms=500)).get(place, [])
            return found
        finally:
            await consumer.stop()

    async def assert_newest_stored(self, *, without: Iterable[int] = ()) -> None:
        """Check that the newest report of every cluster is there, with its hits, and no other."""
        left_out = set(without)
        wanted = [cluster(one) for one in range(MESSAGES // 2) if one not in left_out]
        async with self.engine.connect() as conn:
            rows = await conn.execute(sa.select(t.report.c.cluster, t.report.c.last_checked_at))
            stored = {name: checked.minute for name, checked in rows}
        assert stored == dict.fromkeys(wanted, 1)
        assert await count(self.engine, t.rule_hit) == 3 * len(wanted)
        assert await count(self.engine, t.recommendation) == 3 * len(wanted)


@asynccontextmanager
async def backlog(folder: Path, brokers: str = "", postgres: str = "") -> AsyncIterator[Backlog]:
    """Give a topic, a migrated database, and no message yet; of these servers, or of the shared."""
    brokers = brokers or require("kafka")
    topic = f"test.fault.{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    topics = [(topic, PARTITIONS), (f"{topic}.tracker", 1), (f"{topic}.dead", 1)]
    await admin.create_topics(
        [NewTopic(name, partitions, 1, topic_configs=KEEP) for name, partitions in topics]
    )
    async with fresh_database(postgres) as text:
        url = sa.make_url(text)
        engine = open_url(url)
        found = Backlog(folder, brokers, topic, url, engine, admin)
        try:
            await migrated(url)
            yield found
        finally:
            for program in found.services:
                await program.kill()
            await engine.dispose()
            await admin.delete_topics([name for name, _ in topics])
            await admin.close()
