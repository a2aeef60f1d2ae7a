"""The dead-letter queue: a consumer_error row and a dead letter for each invalid message."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DeadLetterLimitReached, RecordRejected
from ..metrics import Metrics
from ..model import ConsumerErrorRow, utc_now
from ..storage import ConsumerErrors
from .batch import Outcome
from .dead_letter import dead_letter, without_headers, without_value
from .decode import times
from .kafka.producer import Outgoing, Sender

log = logging.getLogger(__name__)

# messages of a partition that the ratio is computed of
WINDOW = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages of a partition may be invalid; 0 is no limit.

    `max_ratio` applies to the last WINDOW messages.
    """

    max_ratio: float = 0.0
    max_consecutive: int = 0


class DeadLetterQueue:
    """Records invalid messages. Without a topic it sends nothing, without `rows` it stores none."""

    def __init__(
        self,
        rows: ConsumerErrors | None,
        sender: Sender | None,
        topic: str,
        metrics: Metrics,
        limit: Limit | None = None,
    ) -> None:
        self._rows = rows
        self._sender = sender if topic else None
        self._topic = topic
        self._metrics = metrics
        self._monitors: defaultdict[tuple[str, int], _Monitor] = defaultdict(
            lambda: _Monitor(limit or Limit())
        )

    async def start(self) -> None:
        """Connect; raise Unavailable when no broker answers."""
        if self._sender is not None:
            await self._sender.start()

    async def stop(self) -> None:
        """Close the connection."""
        if self._sender is not None:
            await self._sender.stop()

    def forget(self) -> None:
        """Reset the counts, when other partitions are assigned."""
        self._monitors.clear()

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Count the messages; raise DeadLetterLimitReached at the limit."""
        for outcome in outcomes:
            record = outcome.record
            monitor = self._monitors[record.topic, record.partition]
            if reason := monitor.reached(invalid=outcome.invalid):
                raise DeadLetterLimitReached(
                    f"{reason} of topic {record.topic}, partition {record.partition}, are invalid "
                    f"up to offset {record.offset}; last error: {outcome.error}. The offsets of "
                    "this batch are not committed. To accept more invalid messages, raise "
                    "broker.dead_letter_max_ratio and broker.dead_letter_max_consecutive"
                )

    async def store_rows(self, outcomes: Sequence[Outcome]) -> None:
        """Insert a consumer_error row for each invalid message."""
        invalid = [outcome for outcome in outcomes if outcome.invalid]
        if self._rows is None or not invalid:
            return
        try:
            await self._rows.put([_row(outcome) for outcome in invalid])
        except RecordRejected as error:
            # the dead letter has the message as well, and no message may block the others
            log.error(
                "Unable to write consumer error to storage", extra={"fields": {"error": str(error)}}
            )

    async def send_dead_letters(self, outcomes: Sequence[Outcome]) -> None:
        """Send a dead letter for each invalid message; return when all are acknowledged."""
        if self._sender is None:
            return
        by_partition: defaultdict[int, list[Outgoing]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.invalid:
                by_partition[outcome.record.partition].append(dead_letter(outcome))
        for partition, letters in by_partition.items():
            too_large = await self._sender.send(self._topic, letters, partition)
            for at in too_large:
                size = len(letters[at].value or b"")
                log.error(
                    "dead letter of %d bytes is too large, sending it without its value",
                    size,
                )
            stubs = [without_value(letters[at]) for at in too_large]
            still = await self._sender.send(self._topic, stubs, partition)
            # the headers alone exceed max.message.bytes
            bare = [without_headers(stubs[at]) for at in still]
            await self._sender.send(self._topic, bare, partition)
            self._metrics.produced_messages.inc(len(letters))
            log.info("%d messages have been produced to dead letter queue", len(letters))


class _Monitor:
    """Counts the invalid ones of the last messages of one partition."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._invalid = 0
        self._consecutive = 0

    def reached(self, *, invalid: bool) -> str:
        """Count a message; return which limit it reaches, or nothing."""
        if len(self._recent) == WINDOW:
            self._invalid -= self._recent[0]
        self._recent.append(invalid)
        self._invalid += invalid
        self._consecutive = self._consecutive + 1 if invalid else 0
        if not invalid:
            return ""
        if 0 < self._limit.max_consecutive <= self._consecutive:
            return f"{self._consecutive} consecutive messages"
        ratio = self._invalid / WINDOW
        if len(self._recent) == WINDOW and 0 < self._limit.max_ratio <= ratio:
            return f"{self._invalid} of the last {WINDOW} messages"
        return ""


def _row(outcome: Outcome) -> ConsumerErrorRow:
    record = outcome.record
    return ConsumerErrorRow(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        produced_at=times.of_record(record.timestamp),
        consumed_at=utc_now(),
        error=outcome.error,
    )
