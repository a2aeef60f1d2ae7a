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

from aggregator.ingest.kafka import clients
from testing.mocks.broker import Broker

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
        consumer = clients.Consumer(topic="results", bootstrap_servers=broker.address)
        await consumer.start()
        assert consumer.partitions_for_topic("results") == {0, 1, 2}
        assert answers == []
        await consumer.stop()
