"""Kafka clients whose connection errors give the reason of each broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from . import records
from .batch_builder import Batch
from .connection_probe import refusals

log = logging.getLogger(__name__)

# settings of connections, which all clients take
_SHARED = frozenset(
    (
        "bootstrap_servers", "client_id", "metadata_max_age_ms", "request_timeout_ms",
        "sasl_mechanism", "sasl_plain_password", "sasl_plain_username", "security_protocol",
        "ssl_context",
    )
)  # fmt: skip
UNKNOWN_MEMBER = ""
START_SECONDS = 5.0
CANCEL_SECONDS = 1.0
RETRY_SECONDS = 0.1
# polled messages are held in memory, so fewer large messages are polled at once
POLLED_BYTES = 8 * 1024 * 1024


class CoordinationEnded(Exception):
    """aiokafka left the group because of an internal error."""


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer whose `start` raises KafkaConnectionError with the reason.

    Unreadable records are returned, not raised: see `records`.
    """

    def __init__(self, *, topic: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._topic = topic
        self._settings = settings
        self._room = records.Room(POLLED_BYTES)

    async def start(self) -> None:
        """Connect, and request the topic's partitions until a broker answers.

        A member that joins without knowing them is assigned none until the library refreshes its
        metadata.
        """
        if self._fetcher is None:
            await _started(super().start(), self._settings)
            records.install(self._fetcher, self._room)
        if self._topic:
            self._client.add_topic(self._topic)
            while not await self._client.force_metadata_update():
                await asyncio.sleep(RETRY_SECONDS)

    async def getmany(self, *partitions: Any, **options: Any) -> Any:
        """Return records of about POLLED_BYTES; after an error of the group, join it again.

        The library stops its heartbeats after an error, and restarts them only with a join.
        Raise CoordinationEnded if its task for the group is no longer running.
        """
        self._room.renew()
        task = getattr(self._coordinator, "_coordination_task", None)
        if task is not None and task.done():
            raise CoordinationEnded(f"aiokafka's task for group '{self._group_id}' {_end_of(task)}")
        try:
            return await super().getmany(*partitions, **options)
        except KafkaError as error:
            self._join_again(error)
            raise

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the end offset for this isolation level, None before the first fetch."""
        committed_only = self._isolation_level == "read_committed"
        end = super().last_stable_offset if committed_only else super().highwater
        found: int | None = end(partition)
        return found

    def topic_problem(self, topic: str) -> str:
        """Return why the topic has no partitions, and refresh the metadata."""
        self._client.force_metadata_update()
        if topic in self._client.cluster.unauthorized_topics:
            return f"topic '{topic}' may not be read: an ACL is missing that allows it"
        known = self._client.cluster.partitions_for_topic(topic)
        return "" if known else f"topic '{topic}' does not exist"

    async def taken_over(self) -> str:
        """Return the process that joined under this static member's name, or nothing.

        The broker gives a static member's partitions to the last process that joins under its
        name, and builds the member's ID from that name.
        """
        name, coordinator = self._group_instance_id, self._coordinator
        if not name or coordinator.member_id != UNKNOWN_MEMBER:
            return ""
        admin = Admin(**{key: self._settings[key] for key in _SHARED & self._settings.keys()})
        try:
            await admin.start()
            (answer,) = await admin.describe_consumer_groups([self._group_id])
        except KafkaError:
            return ""
        finally:
            await admin.close()
        (group,) = answer.to_object()["groups"]
        for member in group["members"]:
            if member["member_id"].startswith(f"{name}-"):
                other = f"{member['client_id']}@{member['client_host'][1:]}"
                return (
                    f"another process ({other}) joined group '{self._group_id}' with the same "
                    f"broker.group_instance_id '{name}': give each process a name of its own"
                )
        return ""

    def _join_again(self, error: KafkaError) -> None:
        coordinator = self._coordinator
        if self._group_id is None or coordinator is None:
            return
        if coordinator._coordination_task.done():
            raise CoordinationEnded(str(error)) from error
        tasks = (coordinator._heartbeat_task, coordinator._commit_refresh_task)
        if any(task is not None and task.done() for task in tasks):
            coordinator.request_rejoin()


class Producer(AIOKafkaProducer):  # type: ignore[misc]
    """A producer whose `start` raises KafkaConnectionError with the reason.

    Its task that sends batches is started again when it has ended; the library leaves its batches
    waiting for ever then, or fails all later ones.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings
        self._ended = ""

    async def start(self) -> None:
        """Connect."""
        await _started(super().start(), self._settings)
        self._watch()

    async def send_batch(self, *batch: Any, **options: Any) -> asyncio.Future[Any]:
        """Send; raise KafkaError if the batch cannot be added."""
        if self._sender.sender_task is not None and self._sender.sender_task.done():
            await self._restart()
        sent: asyncio.Future[Any] = await super().send_batch(*batch, **options)
        return sent

    async def _restart(self) -> None:
        log.warning("aiokafka's task that sends %s; starting it again", self._ended)
        accumulator, sender = self._message_accumulator, self._sender
        # their batches have failed, and are sent again by whoever waited for them
        for held in (accumulator._batches, accumulator._pending_batches):
            held.clear()
        for held in (sender._muted_partitions, sender._in_flight):
            held.clear()
        accumulator._exception = None
        await sender.start()
        self._watch()

    def _watch(self) -> None:
        task = self._sender.sender_task
        task.remove_done_callback(self._sender._fail_all)
        task.add_done_callback(self._sender_ended)

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        if self._closed:
            return
        self._ended = _end_of(task)
        accumulator = self._message_accumulator
        held = [*accumulator._pending_batches, *chain(*accumulator._batches.values())]
        # an error that is retried, whatever ended it
        accumulator.fail_all(KafkaError(f"the producer's task {self._ended}"))
        for waiter in (batch._drain_waiter for batch in held):
            # nobody waits for it, and asyncio would log that
            if waiter.done() and not waiter.cancelled():
                waiter.exception()

    def create_batch(self) -> Batch:
        """Return an empty batch."""
        return Batch(self._settings["max_batch_size"])


class Admin(AIOKafkaAdminClient):  # type: ignore[misc]
    """An administrator whose `start` raises KafkaConnectionError with the reason."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings

    async def start(self) -> None:
        """Connect."""
        await _started(super().start(), self._settings)


def _end_of(task: asyncio.Task[Any]) -> str:
    """Return how a task has ended."""
    if task.cancelled():
        return "was cancelled"
    error = task.exception()
    return f"failed: {error!r}" if error is not None else "has returned"


async def _started(start: Coroutine[Any, Any, None], settings: dict[str, Any]) -> None:
    """Start; raise KafkaConnectionError with the reason of each address if all fail.

    The library waits `request_timeout_ms` for each address, and only logs the reasons.
    """
    starting = asyncio.ensure_future(start)
    try:
        done, _ = await asyncio.wait((starting,), timeout=START_SECONDS)
        if not done and (reasons := await refusals(settings)):
            raise KafkaConnectionError(reasons)
        await asyncio.shield(starting)
    except KafkaConnectionError as error:
        if not starting.done():
            raise
        # without reasons it accepts connections by now: retry
        reasons = await refusals(settings)
        raise (KafkaConnectionError(reasons) if reasons else error) from error
    finally:
        await _cancelled(starting)


async def _cancelled(starting: asyncio.Future[None]) -> None:
    """Wait for the end of a start up to CANCEL_SECONDS, then cancel it.

    If the library is cancelled while it requests the first metadata, it loses the reference to
    that connection, which then stays open.
    """
    if not starting.done():
        await asyncio.wait((starting,), timeout=CANCEL_SECONDS)
        starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
