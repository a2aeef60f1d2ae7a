"""Clients of the brokers: nothing is left open, whenever their start is cut off."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from aggregator.config.options import BrokerConfig
from aggregator.errors import Unavailable
from aggregator.ingest.kafka import clients
from aggregator.ingest.kafka.clients import CoordinationEnded
from aggregator.ingest.kafka.factory import consumer, producer
from aggregator.ingest.kafka.producer import Outgoing, Sender
from testing.mocks.broker import Broker
from tests.commands.topics import read

CLIENTS = (clients.Consumer, clients.Producer, clients.Admin)


def unclosed(told: list[warnings.WarningMessage]) -> list[str]:
    gc.collect()
    return [str(warning.message) for warning in told if "Unclosed" in str(warning.message)]


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_start_cut_off_at_the_first_broker_leaves_no_connection(
    client: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    send = AIOKafkaConnection.send

    def watched(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
        if isinstance(request, MetadataRequest):
            asked.set()
        return send(self, request, expect_response)

    monkeypatch.setattr(AIOKafkaConnection, "send", watched)
    with Broker() as broker, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        it = client(bootstrap_servers=broker.address)
        starting = asyncio.ensure_future(it.start())
        await asyncio.wait_for(asked.wait(), 5)
        starting.cancel()
        await asyncio.wait((starting,), timeout=10)
        assert starting.cancelled()
        await (it.close() if client is clients.Admin else it.stop())
        del it, starting
        assert not unclosed(told)


async def test_a_consumer_knows_the_partitions_before_it_joins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update, answers = AIOKafkaClient._metadata_update, [False] * 3
    monkeypatch.setattr(clients, "RETRY_SECONDS", 0.01)

    async def cut_off(self: AIOKafkaClient, cluster: Any, topics: Any) -> Any:
        return answers.pop() if answers else await update(self, cluster, topics)

    monkeypatch.setattr(AIOKafkaClient, "_metadata_update", cut_off)
    with Broker() as broker:
        broker.create_topic("results", partitions=3)
        it = clients.Consumer(topic="results", bootstrap_servers=broker.address)
        await it.start()
        assert it.partitions_for_topic("results") == {0, 1, 2}
        assert answers == []
        await it.stop()


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_a_sender_that_has_ended_is_started_again(end: str) -> None:
    with Broker() as broker:
        broker.create_topic("letters", partitions=1)
        kafka = producer(BrokerConfig(addresses=(broker.address,)))
        sender = Sender(kafka)
        await sender.start()
        assert await sender.send("letters", [Outgoing(b"a")]) == []
        task = kafka._sender.sender_task
        if end == "cancelled":
            # in the library it ends without a word then
            task.cancel()
        else:
            real = kafka._message_accumulator.drain_by_nodes

            def broken(*_: Any, **__: Any) -> Any:
                kafka._message_accumulator.drain_by_nodes = real
                raise RuntimeError("broken")

            kafka._message_accumulator.drain_by_nodes = broken
            with pytest.raises(Unavailable, match="the producer's task failed: "):
                await sender.send("letters", [Outgoing(b"b")])
        await asyncio.wait((task,))
        async with asyncio.timeout(30):
            assert await sender.send("letters", [Outgoing(b"c")]) == []
        await sender.stop()
        values = [one.value for one in await asyncio.to_thread(read, broker, "letters")]
    assert values == [b"a", b"c"]


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_a_consumer_whose_group_task_has_ended_says_so(end: str) -> None:
    with Broker() as broker:
        broker.create_topic("results", partitions=1)
        config = BrokerConfig(addresses=(broker.address,), topic="results", group="g")
        kafka = consumer(config)
        await kafka.start()
        kafka.subscribe(["results"])
        await kafka.getmany(timeout_ms=10)
        coordinator = kafka._coordinator
        coordinator._coordination_task.cancel()
        await asyncio.wait((coordinator._coordination_task,))
        if end == "failed":
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(RuntimeError("broken"))
            coordinator._coordination_task = failed
        words = "was cancelled|has returned" if end == "cancelled" else "failed: .*broken"
        with pytest.raises(CoordinationEnded, match=f"task for group 'g' ({words})"):
            await kafka.getmany(timeout_ms=10)
        coordinator._coordination_task = asyncio.ensure_future(asyncio.sleep(0))
        await kafka.stop()
