"""Compressed messages are read, whichever library has compressed them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer

from aggregator.config.options import BrokerConfig
from aggregator.ingest.kafka import factory
from aggregator.ingest.kafka.admin import open_brokers
from tests.services import require

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
MESSAGES = [b'{"number": %d, "pad": "%s"}' % (number, b"x" * 5000) for number in range(200)]


@asynccontextmanager
async def topic(compression: str) -> AsyncIterator[BrokerConfig]:
    """Give a topic that keeps what comes in this codec."""
    brokers = require("kafka")
    name = f"test.{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        kept = {"compression.type": compression}
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=kept)])
        yield BrokerConfig(addresses=(brokers,), topic=name, group=name)
        await admin.delete_topics([name])
    finally:
        await admin.close()


def produce(broker: BrokerConfig, codec: str) -> None:
    """Send the messages with librdkafka, as producers in C, Go and Python do."""
    settings = {"bootstrap.servers": broker.addresses[0], "compression.type": codec}
    producer = Producer(settings | {"linger.ms": 50})
    for message in MESSAGES:
        producer.produce(broker.topic, message)
    assert producer.flush(20) == 0


async def consumed(broker: BrokerConfig) -> list[bytes]:
    """Return what the service's own consumer gets."""
    consumer = factory.consumer(broker)
    found: list[bytes] = []
    await consumer.start()
    try:
        consumer.subscribe([broker.topic])
        async with asyncio.timeout(30):
            while len(found) < len(MESSAGES):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record.value for record in records]
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize("codec", CODECS)
async def test_what_the_producer_has_compressed_is_read(codec: str) -> None:
    async with topic("producer") as broker:
        await asyncio.to_thread(produce, broker, codec)
        assert await consumed(broker) == MESSAGES


@pytest.mark.parametrize("codec", CODECS[1:])
async def test_what_the_broker_has_compressed_is_read(codec: str) -> None:
    """The broker compresses with the libraries of Java, whose frames are not always the same."""
    async with topic(codec) as broker:
        await asyncio.to_thread(produce, broker, "none")
        assert await consumed(broker) == MESSAGES
        async with open_brokers(broker) as brokers:
            first, ends = await brokers.bounds(await brokers.partitions(broker.topic))
            parts = [part async for part in brokers.records(first, ends)]
    assert [record.value for part in parts for record in part] == MESSAGES
