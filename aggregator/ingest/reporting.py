"""Metrics and log lines of a batch."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from ..metrics import Metrics
from ..model import utc_now
from .batch import Outcome
from .retry import State

log = logging.getLogger(__name__)

# longest name from a message in a log line
LONGEST_NAME = 256


class Observer(Protocol):
    """What is told of each batch, such as the dashboard."""

    def processed(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Take a batch that is stored and whose dead letters are sent in `seconds`."""


class BatchReporter:
    """Updates metrics and logs what happens to the messages of a topic."""

    def __init__(
        self,
        metrics: Metrics,
        topic: str,
        *,
        log_invalid_messages: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._metrics = metrics
        self._topic = topic
        self._observer = observer
        self._log_invalid_messages = log_invalid_messages
        self._lagging: set[str] = set()
        self.paused(State())

    def received(self, records: Sequence[ConsumerRecord]) -> None:
        """Count a batch before it is processed."""
        self._metrics.consumed_messages.inc(len(records))
        if log.isEnabledFor(logging.DEBUG):
            for record in records:
                log.debug("started processing message", extra={"fields": _position(record)})

    def processed(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Report a batch that is stored and whose dead letters are sent in `seconds`."""
        now = utc_now()
        for outcome in outcomes:
            self._count(outcome, now)
            if outcome.invalid:
                self._log_invalid(outcome)
            elif outcome.warnings or log.isEnabledFor(logging.INFO):
                self._log_valid(outcome, now)
        self._metrics.batch_size.observe(len(outcomes))
        total = seconds + sum(one.seconds for one in outcomes)
        self._metrics.batch_seconds.observe(total)
        if self._observer is not None:
            self._observer.processed(outcomes, total)

    def committed(self, kafka: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
        """Set the lag: the distance of the committed offsets from the ends of the partitions."""
        held = kafka.assignment()
        for partition, offset in offsets.items():
            end = kafka.highwater(partition) if partition in held else None
            if end is not None:
                number = str(partition.partition)
                self._lagging.add(number)
                self._metrics.consumer_lag.labels(self._topic, number).set(max(0, end - offset))

    def clear_lag(self) -> None:
        """Remove the lag of partitions that another consumer may have now."""
        for number in self._lagging:
            self._metrics.consumer_lag.remove(self._topic, number)
        self._lagging.clear()

    def paused(self, state: State) -> None:
        """Set the metric of the pause."""
        self._metrics.paused.labels(self._topic).set(state.paused)

    def _count(self, outcome: Outcome, now: datetime) -> None:
        metrics = self._metrics
        if outcome.envelope.last_checked is not None:
            lag = now - outcome.envelope.last_checked
            metrics.last_checked_lag.observe(lag.total_seconds() / 60)
        if outcome.invalid:
            metrics.consuming_errors.inc()
            metrics.refused_messages.labels(outcome.kind).inc()
            metrics.failed_messages_processing_time.observe(outcome.seconds)
            return
        metrics.successful_messages_processing_time.observe(outcome.seconds)
        if outcome.empty:
            metrics.empty_results.inc()
        elif outcome.stored:
            metrics.written_reports.inc()
        else:
            metrics.old_reports.inc()

    def _log_invalid(self, outcome: Outcome) -> None:
        fields = _fields(outcome) | {"error": outcome.error, "kind": outcome.kind}
        if self._log_invalid_messages:
            fields["unparsed message"] = (outcome.record.value or b"").decode(errors="replace")
        log.warning("Error processing message consumed from Kafka", extra={"fields": fields})

    def _log_valid(self, outcome: Outcome, now: datetime) -> None:
        fields = _fields(outcome) | {"duration": round(outcome.seconds * 1000)}
        extra = {"fields": fields}
        for warning in outcome.warnings:
            log.warning(warning, extra=extra)
        checked = outcome.envelope.last_checked
        if checked is not None and checked > now:
            log.error("got a message from the future", extra=extra)
        if outcome.empty:
            log.info(
                "This message has an empty report and will not be processed further", extra=extra
            )
        elif not outcome.stored:
            log.info(
                "Skipping because a more recent report already exists for this cluster",
                extra=extra,
            )
        log.info("Message consumed", extra=extra)


def _position(record: ConsumerRecord) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


def _fields(outcome: Outcome) -> dict[str, Any]:
    envelope = outcome.envelope
    return {
        **_position(outcome.record),
        "organization": envelope.org,
        "cluster": envelope.cluster[:LONGEST_NAME],
        "version": envelope.version,
        "request ID": envelope.request_id[:LONGEST_NAME] or "missing",
    }
