"""The consumer of one topic: poll a batch, store it, send dead letters, commit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from ..metrics import Metrics
from . import batch
from .batch import BatchWriter, Outcome, Store
from .budget import Budget
from .commits import Commits
from .dead_letter_queue import DeadLetterQueue
from .decode import executor
from .decode.message import Decoder
from .kafka.errors import is_fatal, unavailable
from .kafka.health import BrokerHealth
from .kafka.polling import INTERVAL, Polling
from .kafka.rebalance import RebalanceListener
from .pipeline import prefetch
from .reporting import BatchReporter, Observer
from .retry import BatchAbandoned, Retrier, RetryPolicy, State
from .traces import NoTraces, Traces
from .tracker import Tracker

log = logging.getLogger(__name__)

# batches polled at once: while one is stored, the next is decoded
POLLED_BATCHES = 8
# large batches delay REST reads, so they are divided by this number while reads are active
DIVISOR_WHILE_READ = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a consumer; times are in seconds."""

    topic: str
    group: str = ""
    batch_size: int = 500
    batch_bytes: int = 4 * 1024 * 1024
    batch_wait: float = 0.5
    # how many concurrent transactions a batch is stored in
    shards: int = 1
    # while reads are active, batches are small and stored one at a time
    readers_active: Callable[[], bool] = lambda: False
    log_invalid_messages: bool = False
    commit_timeout: float = 5.0
    # a broker answers every fetch within half a second, messages or not
    silence: float = 10.0
    poll_interval: float = INTERVAL
    # limits for the current batch at a rebalance and at a stop, and for closing
    drain: float = 20.0
    grace: float = 3.5
    close_timeout: float = 1.5


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """The status of a consumer; `assigned` is False until it has partitions."""

    topic: str
    group: str
    assigned: bool
    state: State


class Consumer:
    """Consumes one topic into a storage until `stop()`.

    A message is stored, or becomes a dead letter, or the service stops; then its offset is not
    committed and Kafka redelivers it. Storing is idempotent.
    """

    def __init__(
        self,
        kafka: AIOKafkaConsumer,
        decoder: Decoder,
        store: Store,
        dead_letters: DeadLetterQueue,
        tracker: Tracker,
        metrics: Metrics,
        settings: Settings,
        policy: RetryPolicy | None = None,
        observer: Observer | None = None,
        traces: Traces | None = None,
    ) -> None:
        self._kafka = kafka
        self._decoder = decoder
        self._dead_letters = dead_letters
        self._tracker = tracker
        self._settings = settings
        self._reporter = BatchReporter(
            metrics,
            settings.topic,
            log_invalid_messages=settings.log_invalid_messages,
            observer=observer,
        )
        self._traces: Traces = traces or NoTraces()
        self._commits = Commits(kafka, self._reporter, settings.commit_timeout)
        self.retrier = Retrier(self._pause_changed, self._stay_in_group, policy)
        self._writer = BatchWriter(store, self.retrier)
        self._rebalance = RebalanceListener(
            self.retrier, settings.drain, self._reassigned, kafka.taken_over
        )
        self._stopping = asyncio.Event()
        self._health = BrokerHealth(
            kafka, self._rebalance, self.retrier, settings.topic, settings.silence, policy
        )
        self._polling = Polling(kafka, settings.batch_size * POLLED_BATCHES, settings.poll_interval)

    async def run(self) -> None:
        """Consume until `stop()`; raise unexpected errors, without committing their batch."""
        work = asyncio.ensure_future(self._work())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
            await self._rebalance.idle_within(self._settings.grace)
            if work.done():
                await work
        finally:
            for task in (work, stopping):
                task.cancel()
            await asyncio.wait((work, stopping), timeout=self._settings.close_timeout)
            await self._leave()

    def stop(self) -> None:
        """Poll nothing more, finish and commit the current batch, let `run` return."""
        self._stopping.set()
        self.retrier.stop()

    def readiness(self) -> str:
        """Return why this consumer does not consume, or nothing when it does."""
        topic = self._settings.topic
        if self.retrier.state.paused:
            return f"consuming {topic} is paused: {self.retrier.state.reason}"
        return "" if self._rebalance.assigned else f"consuming {topic} has not begun"

    def status(self) -> ConsumerStatus:
        """Return the status of this consumer."""
        return ConsumerStatus(
            self._settings.topic,
            self._settings.group,
            bool(self._rebalance.assigned),
            self.retrier.state,
        )

    async def lag(self) -> dict[int, int]:
        """Return the number of messages after the committed offset, by partition."""
        return await self._commits.lag()

    async def _work(self) -> None:
        try:
            await self._join()
        except BatchAbandoned:
            return
        while not self._stopping.is_set():
            records = await self._poll_batch()
            try:
                await self._handle(records)
            except BatchAbandoned:
                log.warning(
                    "abandoning a batch of %d messages; offsets not committed, "
                    "Kafka will redeliver it",
                    len(records),
                )
            finally:
                self._rebalance.batch_finished()
            if records:
                self._health.busy()

    async def _handle(self, records: list[ConsumerRecord]) -> None:
        """Pipeline: report batch n while n+1 is stored and n+2 is decoded."""
        budget = Budget()
        chunks = self._chunks(records)
        decoded = executor.decoded(chunks, self._decoder, budget)
        ready = prefetch(decoded)
        stored = self._stored(ready)
        finished = prefetch(stored)
        async with AsyncExitStack() as stack:
            for stage in (chunks, decoded, ready, stored, finished):
                await stack.enter_async_context(aclosing(stage))
            stack.callback(self._traces.abandon)
            async for outcomes in finished:
                with self._traces.settling():
                    await self._finish(outcomes)
                budget.release(sum(outcome.size for outcome in outcomes))
                if self._polling.due and not self.retrier.state.paused:
                    await self._stay_in_group()
                    self._polling.resume()

    async def _stored(
        self, decoded: AsyncIterable[list[Outcome]]
    ) -> AsyncGenerator[list[Outcome], None]:
        """Store each batch in shards, or at once while reads are active."""
        async for outcomes in decoded:
            shards = 1 if self._settings.readers_active() else self._settings.shards
            with self._traces.storing(outcomes):
                written = await self._writer.write(outcomes, shards)
            yield written

    async def _chunks(
        self, records: list[ConsumerRecord]
    ) -> AsyncGenerator[list[ConsumerRecord], None]:
        """Split polled records into batches, and poll again while more are available at once."""
        settings = self._settings
        while records:
            for chunk in batch.split(records, self._batch_size, settings.batch_bytes):
                # the offsets of the rest are not committed, so Kafka redelivers it
                if self._stopping.is_set() or self._rebalance.changing:
                    return
                self._reporter.received(chunk)
                yield chunk
            records = await self._poll_more()

    def _batch_size(self) -> int:
        size = self._settings.batch_size
        return max(1, size // DIVISOR_WHILE_READ) if self._settings.readers_active() else size

    async def _finish(self, outcomes: list[Outcome]) -> None:
        start = time.perf_counter()
        self._dead_letters.check(outcomes)
        retry = self.retrier.retry_until_available
        await retry(partial(self._dead_letters.store_rows, outcomes), "database: consumer_error")
        await retry(partial(self._dead_letters.send_dead_letters, outcomes), "broker: dead letters")
        await retry(partial(self._tracker.send, outcomes), "broker: payload tracker")
        self._reporter.processed(outcomes, time.perf_counter() - start)
        records = [outcome.record for outcome in outcomes]
        await retry(partial(self._commits.commit, records), "broker: commit")

    async def _join(self) -> None:
        for start in (self._connect, self._dead_letters.start, self._tracker.start):
            await self.retrier.retry_until_available(start, "broker")
        self._kafka.subscribe([self._settings.topic], listener=self._rebalance)

    async def _connect(self) -> None:
        try:
            await self._kafka.start()
        except KafkaError as error:
            raise unavailable(error) from error

    async def _poll_batch(self) -> list[ConsumerRecord]:
        """Return messages, or none after `batch_wait`."""
        try:
            records = await self._poll(max(1, round(self._settings.batch_wait * 1000)))
        except KafkaError as error:
            await self._health.failed(error)
            return []
        if records:
            self._rebalance.batch_started()
        else:
            self._health.check()
            await self._commits.commit_gaps()
        return records

    async def _poll_more(self) -> list[ConsumerRecord]:
        """Return messages that are fetched already, so that no stage of the pipeline is idle."""
        if self.retrier.state.paused or self._rebalance.changing:
            return []
        try:
            return await self._poll(0)
        except KafkaError as error:
            if is_fatal(error):
                raise
            return []

    async def _poll(self, milliseconds: int) -> list[ConsumerRecord]:
        records = await self._polling.take(milliseconds)
        self._commits.polled(records)
        return records

    async def _stay_in_group(self) -> None:
        if not self._rebalance.changing:
            await self._polling.without_messages()

    def _pause_changed(self, state: State) -> None:
        self._reporter.paused(state)
        if not state.paused:
            self._polling.resume()

    def _reassigned(self) -> None:
        self._dead_letters.forget()
        self._commits.forget()
        self._reporter.clear_lag()

    async def _leave(self) -> None:
        """Close what `_join` opened, within a time limit: the broker may be unavailable."""
        closing = [
            asyncio.ensure_future(close())
            for close in (self._kafka.stop, self._dead_letters.stop, self._tracker.stop)
        ]
        _, late = await asyncio.wait(closing, timeout=self._settings.close_timeout)
        for task in late:
            task.cancel()
        for error in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(error, Exception):
                log.warning("closing the consumer: %r", error)
