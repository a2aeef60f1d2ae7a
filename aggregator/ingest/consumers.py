"""Builds the consumers of this process from the configuration."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..config.allowlist import read_allowlist
from ..config.options import Config
from ..errors import UnusableBackend
from ..metrics import Metrics
from ..storage import ConsumerErrors, Storage
from .batch import Store
from .consumer import Consumer, ConsumerStatus, Settings
from .dead_letter_queue import DeadLetterQueue, Limit
from .decode.dvo import DvoDecoder
from .decode.message import Decoder
from .decode.ocp import OcpDecoder
from .decode.schema import Profile
from .kafka import aiokafka_log, factory
from .kafka.admin import require_writable
from .kafka.producer import Sender
from .reporting import Observer
from .tracker import Tracker

if TYPE_CHECKING:
    from ..tracing import Tracing

OCP = "ocp_recommendations"
DVO = "dvo_recommendations"
# the message of the Go service
NO_BACKEND = "no backend storage or incompatible selected"


class Load(Protocol):
    """The load of the databases that messages are stored in."""

    @property
    def shards(self) -> int:
        """Return how many concurrent transactions are the fastest way to store a batch."""

    def readers_active(self) -> bool:
        """Return True if a read ran within the last second."""


class Ingest:
    """The consumers of one process, one for each kind of message in `storage_backend.use`.

    `cache` takes OCP reports instead of the database where the storage type is `redis`.
    """

    def __init__(
        self,
        config: Config,
        storage: Storage,
        metrics: Metrics,
        load: Load,
        cache: Store | None = None,
        observer: Observer | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._load = load
        self._config = config
        self._storage = storage
        self._metrics = metrics
        self._cache = cache
        self._observer = observer
        self._tracing = tracing
        self._consumers: list[Consumer] = []
        self._stop_requested = False
        self._allowlist = self._read_allowlist()
        self._unpacked = config.broker.maximum_unpacked_size
        self._profile: Profile = "strict" if config.processing.schema == "strict" else "default"
        if config.broker.enabled:
            _check(config)

    def _read_allowlist(self) -> frozenset[int] | None:
        if not (self._config.broker.enabled and self._config.broker.enable_org_allowlist):
            return None
        return read_allowlist(self._config.processing.org_allowlist_file)

    def readiness(self) -> str:
        """Return why ingest does not consume, or nothing when it does or is disabled."""
        if not self._config.broker.enabled:
            return ""
        if not self._consumers:
            return "consuming has not begun"
        return "; ".join(filter(None, (one.readiness() for one in self._consumers)))

    def status(self) -> list[ConsumerStatus]:
        """Return what each consumer is at."""
        return [one.status() for one in self._consumers]

    async def lag(self) -> dict[str, dict[int, int]]:
        """Return the messages not handled yet by topic and partition; raise KafkaError."""
        return {one.status().topic: await one.lag() for one in self._consumers}

    async def run(self) -> None:
        """Consume until `request_stop`; after a failure stop all consumers and raise it."""
        # clients that exist must be closed, which only a consumer that runs does
        if self._stop_requested:
            return
        aiokafka_log.install()
        self._consumers = [self._consumer(use) for use in self._config.storage_backend.use]
        tasks = [asyncio.create_task(one.run()) for one in self._consumers]
        done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.request_stop()
        if running:
            await asyncio.wait(running)
        for task in done | running:
            task.result()

    def request_stop(self) -> None:
        """Let all consumers finish their current batches."""
        self._stop_requested = True
        for one in self._consumers:
            one.stop()

    def _consumer(self, use: str) -> Consumer:
        broker = self._config.broker
        decoder, store, rows = self._ocp() if use == OCP else self._dvo()
        topic, group = _source(self._config, use)
        limit = Limit(broker.dead_letter_max_ratio, broker.dead_letter_max_consecutive)
        return Consumer(
            factory.consumer(replace(broker, topic=topic, group=group)),
            decoder,
            store,
            DeadLetterQueue(
                rows,
                self._sender(broker.dead_letter_queue_topic),
                broker.dead_letter_queue_topic,
                self._metrics,
                limit,
            ),
            Tracker(
                self._sender(broker.payload_tracker_topic),
                broker.payload_tracker_topic,
                broker.service_name,
                self._metrics,
            ),
            self._metrics,
            Settings(
                topic=topic,
                group=group,
                batch_size=broker.batch_size,
                batch_wait=broker.batch_wait,
                shards=self._load.shards,
                readers_active=self._load.readers_active,
                log_invalid_messages=broker.display_message_with_wrong_structure,
            ),
            observer=self._observer,
            traces=self._tracing.batches(topic, group) if self._tracing else None,
        )

    def _sender(self, topic: str) -> Sender | None:
        broker = self._config.broker
        if not topic:
            return None
        return Sender(factory.producer(broker), partial(require_writable, broker, topic))

    def _ocp(self) -> tuple[Decoder, Store, ConsumerErrors | None]:
        into_cache = self._cache is not None
        store = self._cache if self._cache is not None else self._storage.reports.store
        decoder = OcpDecoder(self._allowlist, self._unpacked, self._profile, into_cache=into_cache)
        return decoder, store, None if into_cache else self._storage.consumer_errors

    def _dvo(self) -> tuple[Decoder, Store, ConsumerErrors | None]:
        decoder = DvoDecoder(self._allowlist, self._unpacked, self._profile)
        return decoder, self._storage.dvo.store, self._storage.consumer_errors


def _check(config: Config) -> None:
    """Raise ConfigError if the consumers cannot be built from the configuration."""
    chosen = config.storage_backend.use
    if not chosen or not set(chosen) <= {OCP, DVO}:
        raise UnusableBackend(
            f"{NO_BACKEND}: storage_backend.use is '{','.join(chosen)}'; {OCP} or {DVO} expected"
        )
    factory.connection(config.broker)


def sources(config: Config) -> list[tuple[str, str]]:
    """Return the topics that a process with this configuration consumes, each with its group."""
    return [_source(config, use) for use in config.storage_backend.use]


def _source(config: Config, use: str) -> tuple[str, str]:
    broker = config.broker
    if use == OCP or len(config.storage_backend.use) == 1:
        return broker.topic, broker.group
    # in one group with the other topic's consumer, each would stop for the other's rebalances,
    # and with static membership both would have the same name
    return broker.dvo_topic, broker.dvo_group or f"{broker.group}-dvo"
