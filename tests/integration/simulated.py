"""A service with a simulated consumer: `python -m tests.integration.simulated MESSAGES URL`.

The messages are made as they are asked for, so a backlog of any length costs no memory but the
service's own. Prints one line of JSON: rows stored, and the process's memory in KiB on the way.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiokafka import ConsumerRecord, TopicPartition

from aggregator.config.options import (
    BackendConfig,
    BrokerConfig,
    Config,
    ServerConfig,
    StorageConfig,
)
from aggregator.ingest.kafka import factory
from aggregator.service import Service
from testing.fixtures import DataSet
from testing.mocks.consumer import MemoryConsumer
from testing.mocks.consumer_group import ConsumerGroup
from testing.mocks.producer import MemoryProducer

CLUSTERS = 5000
TOPIC = "backlog"
PLACE = TopicPartition(TOPIC, 0)
# what one answer of a real broker holds at most
MOST_BYTES = 8 << 20


class Backlog(MemoryConsumer):
    """A member of a group whose topic has this number of messages, none of which exists before."""

    def __init__(self, messages: int) -> None:
        super().__init__(ConsumerGroup(TOPIC))
        rounds = -(-messages // CLUSTERS)
        self._source = iter(DataSet(clusters=CLUSTERS, rounds=rounds))
        self._messages = messages
        self._offset = 0
        self.done = 0

    async def getmany(
        self, *_: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Make the next messages."""
        left = min(max_records or self._messages, self._messages - self._offset)
        records, size = [], 0
        for made in islice(self._source, left):
            records.append(self._record(made.value))
            size += len(made.value)
            if size > MOST_BYTES:
                break
        await asyncio.sleep(0 if records else timeout_ms / 1000)
        return {PLACE: records} if records else {}

    def _record(self, value: bytes) -> ConsumerRecord:
        number, self._offset = self._offset, self._offset + 1
        return ConsumerRecord(TOPIC, 0, number, 0, 0, None, value, None, 0, len(value), ())

    async def commit(self, offsets: Mapping[TopicPartition, Any] | None = None) -> None:
        """Note how far it is."""
        if offsets:
            self.done = int(offsets[PLACE])

    def highwater(self, _partition: TopicPartition) -> int:
        """Return the end of the topic."""
        return self._messages


class Outlet(MemoryProducer):
    """A producer that keeps nothing of what it sends."""

    async def send_batch(self, *arguments: Any, **options: Any) -> Any:
        """Send, and forget."""
        sent = await super().send_batch(*arguments, **options)
        self.sent.clear()
        return sent


def config(url: sa.URL) -> Config:
    """Return a configuration with tracker and dead letters, on this database."""
    storage = StorageConfig(
        db_driver="postgres",
        pg_username=url.username or "",
        pg_password=url.password or "",
        pg_host=url.host or str(url.query["host"]),
        pg_port=url.port or 5432,
        pg_db_name=url.database or "",
        pg_params="sslmode=disable",
    )
    return Config(
        broker=BrokerConfig(
            enabled=True, topic=TOPIC, payload_tracker_topic="t", dead_letter_queue_topic="d"
        ),
        server=ServerConfig(address="localhost:0"),
        ocp_recommendations_storage=storage,
        dvo_recommendations_storage=storage,
        storage_backend=BackendConfig(use=("ocp_recommendations",)),
    )


def memory(name: str) -> int:
    """Return what the system says of this process: VmRSS, VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


async def consume(messages: int, url: sa.URL) -> list[int]:
    """Let a service consume them all; return its memory after each tenth."""
    backlog = Backlog(messages)
    factory.consumer = lambda broker: backlog
    factory.producer = lambda broker: Outlet()
    service = Service(config(url))
    await service.start()
    seen: list[int] = []
    while backlog.done < messages:
        await asyncio.sleep(0.05)
        while len(seen) < 10 * backlog.done // messages:
            seen.append(memory("VmRSS"))
    await service.stop()
    return seen


def main() -> None:
    """Run, and tell."""
    messages, url = int(sys.argv[1]), sa.make_url(sys.argv[2])
    seen = asyncio.run(consume(messages, url))
    print(json.dumps({"resident": seen, "peak": memory("VmHWM")}))


if __name__ == "__main__":
    main()
