"""The in-process broker behaves as Kafka does, seen with the client of the service."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from testing.mocks.broker import Broker

TOPIC = "ccx.ocp.results"


async def _first(broker: Broker) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]:
    """Return key, value and headers of the first record of the topic."""
    async with AIOKafkaConsumer(
        TOPIC, bootstrap_servers=broker.address, group_id="group", auto_offset_reset="earliest"
    ) as consumer:
        record = await asyncio.wait_for(consumer.getone(), 5)
        return record.key, record.value, tuple(record.headers)


async def test_a_consumer_group_reads_what_was_produced() -> None:
    with Broker() as broker:
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait(TOPIC, b"value", key=b"key", headers=[("id", b"1")])
        assert await _first(broker) == (b"key", b"value", (("id", b"1"),))


async def test_a_new_group_starts_without_the_usual_delay() -> None:
    loop = asyncio.get_running_loop()
    with Broker() as broker:
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait(TOPIC, b"value")
        began = loop.time()
        await _first(broker)
        assert loop.time() - began < 2


async def test_committed_offsets_are_kept() -> None:
    partition = TopicPartition(TOPIC, 0)
    with Broker() as broker:
        broker.create_topic(TOPIC, partitions=1)
        async with AIOKafkaConsumer(
            bootstrap_servers=broker.address, group_id="group", enable_auto_commit=False
        ) as consumer:
            consumer.assign([partition])
            await consumer.commit({partition: 7})
            assert await consumer.committed(partition) == 7


async def test_a_topic_has_the_partitions_it_was_made_with() -> None:
    with Broker() as broker:
        broker.create_topic(TOPIC, partitions=3)
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            assert await producer.partitions_for(TOPIC) == {0, 1, 2}
        with pytest.raises(ValueError, match="cannot be created"):
            broker.create_topic(TOPIC, partitions=3)


async def test_a_topic_has_one_partition_where_nobody_says_how_many() -> None:
    with Broker() as broker:
        broker.create_topic("plain")
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            assert await producer.partitions_for("plain") == {0}


async def test_an_outage_refuses_clients_and_keeps_messages() -> None:
    with Broker() as broker:
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            await producer.send_and_wait(TOPIC, b"value")
        broker.down()
        late = AIOKafkaProducer(bootstrap_servers=broker.address, request_timeout_ms=500)
        with pytest.raises(KafkaError):
            await late.start()
        await late.stop()
        broker.up()
        assert (await _first(broker))[1] == b"value"


def test_a_stopped_broker_has_no_address() -> None:
    with Broker() as broker:
        assert broker.address.count(":") == 1
    with pytest.raises(RuntimeError, match="not running"):
        _ = broker.address
    broker.stop()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_no_signal_reaches_the_threads_of_the_broker() -> None:
    """A signal that interrupted the mock cluster's poll ended it, and clients timed out."""
    before = set(Path("/proc/self/task").iterdir())
    with Broker():
        started = set(Path("/proc/self/task").iterdir()) - before
        masks = {
            (task / "comm").read_text(): int(_blocked((task / "status").read_text()), 16)
            for task in started
        }
    assert len(masks) > 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        reached = [name for name, mask in masks.items() if not mask >> (number - 1) & 1]
        assert reached == []
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def _blocked(status: str) -> str:
    """Return the mask of blocked signals, as the kernel shows it for a thread."""
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")]
    return mask
