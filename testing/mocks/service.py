"""Runs the real service on SQLite and a Kafka broker, for tests of its clients."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aggregator.config.options import (
    BackendConfig,
    BrokerConfig,
    Config,
    ServerConfig,
    StorageConfig,
)
from aggregator.ingest.consumers import sources
from aggregator.service import Service

from ..fixtures import GeneratedMessage
from ..packages import of_testing
from ..writers import KafkaWriter
from . import database

with of_testing():
    from confluent_kafka import Consumer, TopicPartition

PREFIX = "/api/insights-results-aggregator/v1/"
ALWAYS_HOURS = 24 * 365 * 100
HANDLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where the service is: `url` ends with the prefix, `database_url` is SQLAlchemy's.

    It consumes the topics `ocp` and `dvo` of the brokers, each in the group that `groups` has
    for it, and writes `tracker` and `dead_letters`; authentication is off, the debug endpoints
    are on.
    """

    url: str
    brokers: str
    database_url: str
    ocp: str
    dvo: str
    tracker: str
    dead_letters: str
    groups: dict[str, str]

    def send(self, *messages: bytes, kind: str = "ocp", timeout: float = HANDLED_SECONDS) -> None:
        """Send messages of a kind (`ocp`, `dvo`); return when they are stored or dead-lettered.

        Raise TimeoutError when the service does not get that far.
        """
        self.send_all((GeneratedMessage(kind, message) for message in messages), timeout=timeout)

    def send_all(
        self, messages: Iterable[GeneratedMessage], *, timeout: float = HANDLED_SECONDS
    ) -> None:
        """Send generated messages, such as a `testing.fixtures.DataSet`, likewise."""
        topics = {"ocp": self.ocp, "dvo": self.dvo}
        KafkaWriter(self.brokers, topics).send(messages)
        deadline = time.monotonic() + timeout
        for topic, group in self.groups.items():
            self._wait(topic, group, deadline)

    def _wait(self, topic: str, named: str, deadline: float) -> None:
        """Wait until the group has committed everything in the topic."""
        group = Consumer({"bootstrap.servers": self.brokers, "group.id": named})
        try:
            places = [
                TopicPartition(topic, number)
                for number in group.list_topics(topic, timeout=10).topics[topic].partitions
            ]
            ends = {
                (one.topic, one.partition): group.get_watermark_offsets(one, timeout=10)[1]
                for one in places
            }
            while any(
                ends[one.topic, one.partition] > max(0, one.offset)
                for one in group.committed(places, timeout=10)
            ):
                if time.monotonic() > deadline:
                    raise TimeoutError("the service has not handled all messages in time")
                time.sleep(0.02)
        finally:
            group.close()


@asynccontextmanager
async def running_service(folder: Path, brokers: str) -> AsyncIterator[RunningService]:
    """Run the service on any free port of the loopback interface, with an empty database."""
    name = uuid.uuid4().hex[:12]
    file = folder / f"aggregator-{name}.db"
    place = database.location(f"sqlite:///{file}")
    await database.prepare(place)
    config = _config(file, brokers, name)
    service = Service(config)
    try:
        await service.start()
        running = asyncio.create_task(service.wait())
        broker = config.broker
        yield RunningService(
            url=f"http://localhost:{service.port}{PREFIX}",
            brokers=brokers,
            database_url=str(place),
            ocp=broker.topic,
            dvo=broker.dvo_topic,
            tracker=broker.payload_tracker_topic,
            dead_letters=broker.dead_letter_queue_topic,
            groups=dict(sources(config)),
        )
        service.request_stop()
        # what ended the consumer, if something did
        await running
    finally:
        await service.stop()


def _config(file: Path, brokers: str, name: str) -> Config:
    """Return a configuration whose topics nobody else uses."""
    storage = StorageConfig(db_driver="sqlite3", sqlite_datasource=str(file))
    return Config(
        broker=BrokerConfig(
            enabled=True,
            addresses=tuple(brokers.split(",")),
            group=f"aggregator-{name}",
            topic=f"ccx.ocp.results-{name}",
            dvo_topic=f"ccx.dvo.results-{name}",
            payload_tracker_topic=f"platform.payload-status-{name}",
            dead_letter_queue_topic=f"ccx.dead.letter.queue-{name}",
            # tests are sometimes of nothing but bad messages
            dead_letter_max_consecutive=0,
            dead_letter_max_ratio=0.0,
        ),
        server=ServerConfig(
            address="localhost:0",
            api_prefix=PREFIX,
            debug=True,
            org_overview_limit_hours=ALWAYS_HOURS,
        ),
        ocp_recommendations_storage=storage,
        dvo_recommendations_storage=storage,
        storage_backend=BackendConfig(use=("ocp_recommendations", "dvo_recommendations")),
    )
