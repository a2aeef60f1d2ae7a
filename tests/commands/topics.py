"""Topics of an in-process broker, for the commands that read and write them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from aggregator.config.options import Config
from aggregator.ingest.kafka.producer import Outgoing
from testing.mocks.broker import Broker

RESULTS, LETTERS, GROUP = "results", "letters", "readers"


def config(address: str, **broker: Any) -> Config:
    """Return a configuration whose broker is this one."""
    default = Config()
    values = {"topic": RESULTS, "dead_letter_queue_topic": LETTERS, "group": GROUP, **broker}
    return replace(default, broker=replace(default.broker, addresses=(address,), **values))


@dataclass(frozen=True, slots=True)
class Sent:
    """What to write: a message, its partition, and its time in milliseconds."""

    message: Outgoing
    partition: int = 0
    at: int = 1_772_359_200_000


def write(broker: Broker, topic: str, messages: Sequence[Sent]) -> None:
    """Write the messages in order."""

    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            for each in messages:
                message = each.message
                await producer.send_and_wait(
                    topic,
                    message.value,
                    message.key,
                    partition=each.partition,
                    headers=list(message.headers),
                    timestamp_ms=each.at,
                )

    asyncio.run(send())


def read(broker: Broker, topic: str, partitions: int = 1) -> list[Any]:
    """Return all records of the topic, by partition."""

    async def fetch() -> list[Any]:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=broker.address) as consumer:
            consumer.assign(places)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(places)
            found: list[Any] = []
            async with asyncio.timeout(20):
                while len(found) < sum(ends.values()):
                    for part in (await consumer.getmany(timeout_ms=100)).values():
                        found += part
        return sorted(found, key=lambda record: (record.partition, record.offset))

    return asyncio.run(fetch())


def commit(broker: Broker, group: str, offsets: dict[TopicPartition, int]) -> None:
    """Commit for a group that nobody is in."""

    async def send() -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=broker.address, group_id=group, enable_auto_commit=False
        ) as consumer:
            consumer.assign(list(offsets))
            await consumer.commit(offsets)

    asyncio.run(send())
