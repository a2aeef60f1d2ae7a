"""Consumers of a group in memory, for the tests of the loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition

from aggregator.ingest.consumer import Consumer, Settings
from aggregator.ingest.dead_letter_queue import DeadLetterQueue, Limit
from aggregator.ingest.kafka.producer import Sender
from aggregator.ingest.retry import RetryPolicy
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from testing.mocks.consumer_group import ConsumerGroup, MemoryConsumer
from testing.mocks.producer import MemoryProducer
from tests.ingest.doubles import MemoryReports, MemoryRows, SimpleDecoder

QUICK = RetryPolicy(initial_delay=0.001, max_delay=0.005, slow_after=0.05, keep_alive=0.005)
FIRST = TopicPartition("topic", 0)


class Harness:
    """A group, storages in memory, and consumers that share them."""

    def __init__(self, *, partitions: int = 1, limit: Limit | None = None, **settings: Any) -> None:
        self.group = ConsumerGroup(partitions=partitions)
        self.reports = MemoryReports()
        self.rows = MemoryRows()
        self.metrics = Metrics()
        self.producer = MemoryProducer()
        self.limit = limit
        self.settings = Settings("topic", batch_wait=0.01, **settings)

    def consumer(self) -> tuple[Consumer, MemoryConsumer]:
        sender = Sender(self.producer)
        refused = DeadLetterQueue(self.rows, sender, "dead-letters", self.metrics, self.limit)
        tracker = Tracker(sender, "tracker", "aggregator", self.metrics)
        kafka = self.group.member()
        consumer = Consumer(
            kafka,
            SimpleDecoder(),
            lambda reports: self.reports.store(reports),
            refused,
            tracker,
            self.metrics,
            self.settings,
            QUICK,
        )
        return consumer, kafka

    @asynccontextmanager
    async def consuming(self) -> AsyncIterator[tuple[Consumer, MemoryConsumer]]:
        consumer, kafka = self.consumer()
        running = asyncio.ensure_future(consumer.run())
        yield consumer, kafka
        consumer.stop()
        await asyncio.wait_for(running, 30)

    async def consumed(self) -> None:
        await until(lambda: self.group.lag() == 0)

    def statuses(self) -> list[str]:
        return [json.loads(sent.value or b"")["status"] for sent in self.producer.sent["tracker"]]

    def letters(self) -> list[bytes | None]:
        return [sent.value for sent in self.producer.sent["dead-letters"]]

    def metric(self, name: str) -> float:
        page = self.metrics.render().decode().splitlines()
        (line,) = (line for line in page if line.rpartition(" ")[0] == name)
        return float(line.rpartition(" ")[2])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)
