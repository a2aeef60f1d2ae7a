"""Messages that are set aside: a consumer_error row, a dead letter, and a limit to both."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RecordRejected, TooManyRefused
from ..metrics import Metrics
from ..model import Refusal, utc_now
from ..storage import RefusedMessages
from .batch import Outcome
from .dead_letter import bare, letter, without_value
from .decode import times
from .kafka.producer import Outgoing, Sender

log = logging.getLogger(__name__)

# below so many messages a share says nothing
WINDOW = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages of a partition may be refused; 0 is no limit.

    `share` is of the last WINDOW messages, `run` is in a row.
    """

    share: float = 0.0
    run: int = 0


class RefusedSink:
    """Sets refused messages aside. Without a topic there are no letters, without rows no rows."""

    def __init__(
        self,
        rows: RefusedMessages | None,
        sender: Sender | None,
        topic: str,
        metrics: Metrics,
        limit: Limit | None = None,
    ) -> None:
        self._rows = rows
        self._sender = sender if topic else None
        self._topic = topic
        self._metrics = metrics
        self._watches: defaultdict[tuple[str, int], _Watch] = defaultdict(
            lambda: _Watch(limit or Limit())
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
        """Begin to count anew, when other partitions are assigned."""
        self._watches.clear()

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Raise TooManyRefused when the limit is reached; call it before setting aside."""
        for outcome in outcomes:
            record = outcome.record
            watch = self._watches[record.topic, record.partition]
            if reason := watch.reached(refused=outcome.refused):
                raise TooManyRefused(
                    f"{reason} of topic {record.topic}, partition {record.partition}, were refused "
                    f"up to offset {record.offset}; the last one for: {outcome.error}. Nothing of "
                    "this batch is committed. If this is right, raise broker.refused_limit_share "
                    "and broker.refused_limit_run"
                )

    async def keep_rows(self, outcomes: Sequence[Outcome]) -> None:
        """Keep a row of each refused message."""
        refused = [outcome for outcome in outcomes if outcome.refused]
        if self._rows is None or not refused:
            return
        try:
            await self._rows.put([_refusal(outcome) for outcome in refused])
        except RecordRejected as error:
            # the dead letter still tells of it, and no message may hold up the others
            log.error(
                "Unable to write consumer error to storage", extra={"fields": {"error": str(error)}}
            )

    async def send_letters(self, outcomes: Sequence[Outcome]) -> None:
        """Send a dead letter of each refused message; return when they are acknowledged."""
        if self._sender is None:
            return
        lanes: defaultdict[int, list[Outgoing]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.refused:
                lanes[outcome.record.partition].append(letter(outcome))
        for lane, letters in lanes.items():
            too_large = await self._sender.send(self._topic, letters, lane)
            for at in too_large:
                size = len(letters[at].value or b"")
                log.error("a dead letter of %d bytes is too large; sent without its value", size)
            stubs = [without_value(letters[at]) for at in too_large]
            still = await self._sender.send(self._topic, stubs, lane)
            # its headers alone are more than the broker takes
            await self._sender.send(self._topic, [bare(stubs[at]) for at in still], lane)
            self._metrics.produced_messages.inc(len(letters))
            log.info("%d messages have been produced to dead letter queue", len(letters))


class _Watch:
    """The last messages of one partition: which of them were refused."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._refused = 0
        self._run = 0

    def reached(self, *, refused: bool) -> str:
        """Count a message; say which limit is reached now, or nothing."""
        if len(self._recent) == WINDOW:
            self._refused -= self._recent[0]
        self._recent.append(refused)
        self._refused += refused
        self._run = self._run + 1 if refused else 0
        if not refused:
            return ""
        if 0 < self._limit.run <= self._run:
            return f"{self._run} messages in a row"
        share = self._refused / WINDOW
        if len(self._recent) == WINDOW and 0 < self._limit.share <= share:
            return f"{self._refused} of the last {WINDOW} messages"
        return ""


def _refusal(outcome: Outcome) -> Refusal:
    record = outcome.record
    return Refusal(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        produced_at=times.of_record(record.timestamp),
        consumed_at=utc_now(),
        error=outcome.error,
    )
