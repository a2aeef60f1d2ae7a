"""The loop: take a batch, store it, set aside what is refused, commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ..errors import Unavailable
from ..metrics import Metrics
from . import batch
from .batch import Outcome, Store
from .budget import Budget
from .dead_letter_queue import RefusedSink
from .decode import executor
from .decode.message import Decoder
from .kafka.errors import is_fatal, unavailable
from .kafka.health import BrokerHealth
from .kafka.offset_gaps import Gaps
from .kafka.polling import INTERVAL, Polling
from .kafka.rebalance import Membership
from .reporting import Journal
from .retry import (
    Backpressure,
    GivenUp,
    State,
    Waits,
)
from .tracker import Tracker

log = logging.getLogger(__name__)

# batches taken at once: while the database works on one, the next is decoded
PARTS = 8
# what is made of a whole batch at once keeps requests waiting, in this process and in the database
PARTS_WHILE_READ = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """How a consumer works; times are in seconds."""

    topic: str
    batch_size: int = 500
    batch_bytes: int = 4 * 1024 * 1024
    batch_wait: float = 0.5
    # how many concurrent transactions a batch is stored in
    shards: int = 1
    # while reads are active, batches are small and stored one at a time
    readers_active: Callable[[], bool] = lambda: False
    show_refused: bool = False
    commit_timeout: float = 5.0
    # a broker answers every fetch within half a second, messages or not
    silence: float = 10.0
    poll_interval: float = INTERVAL
    # how long a rebalance, a stop and a farewell may wait
    drain: float = 20.0
    grace: float = 3.5
    farewell: float = 1.5


class Consumer:
    """Reads one topic into a storage until `stop()`.

    A message is stored, or refused and set aside, or the service stops; then it is uncommitted
    and comes again. Storing is idempotent: what comes again has the same result.
    """

    def __init__(
        self,
        kafka: AIOKafkaConsumer,
        decoder: Decoder,
        store: Store,
        refused: RefusedSink,
        tracker: Tracker,
        metrics: Metrics,
        settings: Settings,
        waits: Waits | None = None,
    ) -> None:
        self._kafka = kafka
        self._decoder = decoder
        self._store = store
        self._refused = refused
        self._tracker = tracker
        self._settings = settings
        self._journal = Journal(metrics, settings.topic, show_refused=settings.show_refused)
        self.backpressure = Backpressure(self._changed, self._stay_in_group, waits)
        self._membership = Membership(
            self.backpressure, settings.drain, self._reassigned, kafka.taken_over
        )
        self._stopping = asyncio.Event()
        self._health = BrokerHealth(
            kafka, self._membership, self.backpressure, settings.topic, settings.silence, waits
        )
        self._gaps = Gaps(kafka)
        self._polling = Polling(kafka, settings.batch_size * PARTS, settings.poll_interval)

    async def run(self) -> None:
        """Read until `stop()`; what is unexpected leaves through here, its batch uncommitted."""
        work = asyncio.ensure_future(self._work())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._membership.idle_within(self._settings.grace)
            if work.done():
                await work
        finally:
            for task in (work, stopping):
                task.cancel()
            await asyncio.wait((work, stopping), timeout=self._settings.farewell)
            await self._leave()

    def stop(self) -> None:
        """Take nothing more, finish the batch in hand, commit, let `run` return."""
        self._stopping.set()
        self.backpressure.stop()

    def readiness(self) -> str:
        """Return why this consumer is not at work, or nothing when it is."""
        topic = self._settings.topic
        if self.backpressure.state.paused:
            return f"consuming {topic} is paused: {self.backpressure.state.reason}"
        return "" if self._membership.assigned else f"consuming {topic} has not begun"

    async def _work(self) -> None:
        try:
            await self._join()
        except GivenUp:
            return
        while not self._stopping.is_set():
            records = await self._take()
            try:
                await self._handle(records)
            except GivenUp:
                log.warning("a batch of %d messages is given up, uncommitted", len(records))
            finally:
                self._membership.finished()
            if records:
                self._health.busy()

    async def _handle(self, records: list[ConsumerRecord]) -> None:
        """Tell of one batch while the next is stored and the one after that is decoded."""
        budget = Budget()
        parts = self._parts(records)
        decoded = batch.prefetch(executor.decoded(parts, self._decoder, budget))
        stored = batch.prefetch(batch.each(self._stored, decoded))
        async with aclosing(parts), aclosing(decoded), aclosing(stored):
            async for outcomes in stored:
                await self._settle(outcomes)
                budget.give(sum(outcome.size for outcome in outcomes))
                if not self.backpressure.state.paused:
                    await self._polling.in_time(self._stay_in_group)

    async def _parts(
        self, records: list[ConsumerRecord]
    ) -> AsyncGenerator[list[ConsumerRecord], None]:
        """Cut what was taken into batches, and go on as long as there is more at once."""
        settings = self._settings
        while records:
            for part in batch.split(records, self._batch_size, settings.batch_bytes):
                # the rest is uncommitted and comes again, here or elsewhere
                if self._stopping.is_set() or self._membership.changing:
                    return
                self._journal.taken(part)
                yield part
            records = await self._take_more()

    def _batch_size(self) -> int:
        size = self._settings.batch_size
        return max(1, size // PARTS_WHILE_READ) if self._settings.readers_active() else size

    async def _settle(self, outcomes: list[Outcome]) -> None:
        start = time.perf_counter()
        self._refused.check(outcomes)
        insist = self.backpressure.insist
        await insist(partial(self._refused.keep_rows, outcomes), "database: consumer_error")
        await insist(partial(self._refused.send_letters, outcomes), "broker: dead letters")
        await insist(partial(self._tracker.tell, outcomes), "broker: payload tracker")
        self._journal.settled(outcomes, time.perf_counter() - start)
        records = [outcome.record for outcome in outcomes]
        await insist(partial(self._commit, records), "broker: commit")

    async def _stored(self, outcomes: list[Outcome]) -> list[Outcome]:
        shards = 1 if self._settings.readers_active() else self._settings.shards
        return await batch.stored(outcomes, self._store_insistently, shards)

    async def _store_insistently(self, reports: Sequence[Any]) -> list[bool]:
        return await self.backpressure.insist(partial(self._store, reports), "storage")

    async def _join(self) -> None:
        for start in (self._connect, self._refused.start, self._tracker.start):
            await self.backpressure.insist(start, "broker")
        self._kafka.subscribe([self._settings.topic], listener=self._membership)

    async def _connect(self) -> None:
        try:
            await self._kafka.start()
        except KafkaError as error:
            raise unavailable(error) from error

    async def _take(self) -> list[ConsumerRecord]:
        """Wait for messages; none after a while."""
        try:
            records = await self._poll(max(1, round(self._settings.batch_wait * 1000)))
        except KafkaError as error:
            await self._health.failed(error)
            return []
        if records:
            self._membership.begun()
        else:
            self._health.check()
            await self._commit_gaps()
        return records

    async def _take_more(self) -> list[ConsumerRecord]:
        """Return messages that are here already, so that no stage of the work stands still."""
        if self.backpressure.state.paused or self._membership.changing:
            return []
        try:
            return await self._poll(0)
        except KafkaError as error:
            if is_fatal(error):
                raise
            return []

    async def _poll(self, milliseconds: int) -> list[ConsumerRecord]:
        records = await self._polling.take(milliseconds)
        self._gaps.taken(records)
        return records

    async def _commit_gaps(self) -> None:
        """With nothing in hand, commit offsets that have no message; the next time will do, too."""
        try:
            async with asyncio.timeout(self._settings.commit_timeout):
                if ends := await self._gaps.ends():
                    await self._commit_offsets(ends)
        except (Unavailable, KafkaError, TimeoutError) as error:
            log.debug("offsets without messages are not committed: %s", error)

    async def _commit(self, records: list[ConsumerRecord]) -> None:
        await self._commit_offsets(
            {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        )

    async def _commit_offsets(self, offsets: dict[TopicPartition, int]) -> None:
        try:
            async with asyncio.timeout(self._settings.commit_timeout):
                await self._kafka.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # stored and told, but another consumer may have it now; it will change nothing there
            log.warning("offsets are not committed, the group has changed: %s", error)
            return
        except TimeoutError as error:
            raise Unavailable("broker: offsets are not committed in time") from error
        except KafkaError as error:
            raise unavailable(error) from error
        self._gaps.committed(offsets)
        self._journal.committed(self._kafka, offsets)

    async def _stay_in_group(self) -> None:
        """Poll, without taking anything: a consumer that does not poll is taken for dead."""
        held = self._kafka.assignment()
        if not held or self._membership.changing:
            return
        self._kafka.pause(*held)
        try:
            taken = await self._kafka.getmany(timeout_ms=0)
        except KafkaError as error:
            if is_fatal(error):
                raise
            return
        for of_partition, records in taken.items():
            self._kafka.seek(of_partition, records[0].offset)

    def _changed(self, state: State) -> None:
        self._journal.paused(state)
        if not state.paused:
            self._kafka.resume(*self._kafka.paused())

    def _reassigned(self) -> None:
        self._refused.forget()
        self._gaps.forget()
        self._journal.forget_lag()

    async def _leave(self) -> None:
        """Close what `_join` opened; a broker that is away must not hold up the end."""
        farewells = [
            asyncio.ensure_future(close())
            for close in (self._kafka.stop, self._refused.stop, self._tracker.stop)
        ]
        _, late = await asyncio.wait(farewells, timeout=self._settings.farewell)
        for task in late:
            task.cancel()
        for error in await asyncio.gather(*farewells, return_exceptions=True):
            if isinstance(error, Exception):
                log.warning("closing: %r", error)
