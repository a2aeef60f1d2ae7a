"""The consumers of a process: built when they run, so that none is left unclosed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.config.options import BrokerConfig, Config
from aggregator.ingest import consumers
from aggregator.ingest.consumers import Ingest
from aggregator.metrics import Metrics
from testing.mocks.storage import memory_storage


class Idle:
    """Databases that nobody uses."""

    shards = 1

    def readers_active(self) -> bool:
        return False


async def test_a_stop_before_the_start_creates_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[BrokerConfig] = []
    monkeypatch.setattr(consumers.factory, "consumer", created.append)
    config = Config(broker=replace(BrokerConfig(), enabled=True))
    async with memory_storage() as storage:
        ingest = Ingest(config, storage, Metrics(), Idle())
        ingest.request_stop()
        await ingest.run()
    assert created == []
    assert ingest.status() == []
