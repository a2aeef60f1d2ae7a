"""Dead letters: built from an invalid message, and converted back to send it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from .batch import Outcome
from .decode import times
from .kafka.producer import Header, Outgoing

TOPIC, PARTITION, OFFSET = "x-original-topic", "x-original-partition", "x-original-offset"
TIMESTAMP, ERROR, KIND = "x-original-timestamp", "x-error", "x-error-kind"
VALUE_OMITTED, HEADERS_OMITTED = "x-value-omitted", "x-headers-omitted"
REPLAYED_FROM = "x-replayed-from"
_ADDED = frozenset(
    {TOPIC, PARTITION, OFFSET, TIMESTAMP, ERROR, KIND, VALUE_OMITTED, HEADERS_OMITTED}
)

# all kinds of errors, as in header x-error-kind and the metric `refused_messages`
KINDS = (
    "allow_list", "cluster", "database", "encoding", "gzip", "json", "last_checked",
    "missing_attribute", "nul", "organization", "record", "schema", "structure", "too_large",
    "type",
)  # fmt: skip

# consumer_error has the full text
LONGEST_ERROR = 2000
# digits of a 64-bit number
_LONGEST_NUMBER = 19


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an invalid message came from; what the dead letter lacks is empty, or None."""

    topic: str
    partition: int | None
    offset: int | None

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it was read; `at` is when it was produced, in UTC."""

    record: ConsumerRecord
    origin: Origin
    kind: str
    error: str
    at: datetime
    value_omitted: bool

    @classmethod
    def read(cls, record: ConsumerRecord) -> DeadLetter:
        """Parse a record; a dead letter of another service may lack all headers."""
        # if the message had a header of this name, ours is the last one
        texts = {
            name: (value or b"").decode(errors="replace")
            for name, value in record.headers
            if name in _ADDED
        }
        return cls(
            record=record,
            origin=Origin(
                texts.get(TOPIC, ""), _number(texts.get(PARTITION)), _number(texts.get(OFFSET))
            ),
            kind=texts.get(KIND, ""),
            error=texts.get(ERROR, ""),
            at=times.of_record(record.timestamp).replace(tzinfo=UTC),
            value_omitted=VALUE_OMITTED in texts,
        )

    def message(self) -> Outgoing:
        """Return the original message, with a header that names this dead letter."""
        record = self.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        headers = (*_without_ours(record.headers), (REPLAYED_FROM, place.encode()))
        return Outgoing(record.value, record.key, headers)


def dead_letter(outcome: Outcome) -> Outgoing:
    """Return the dead letter of an invalid message, with its key, value and headers unchanged."""
    record = outcome.record
    added = {
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        TIMESTAMP: str(record.timestamp),
        ERROR: outcome.error[:LONGEST_ERROR],
        KIND: outcome.kind,
    }
    own = ((name, text.encode(errors="replace")) for name, text in added.items())
    return Outgoing(record.value, record.key, (*record.headers, *own))


def without_value(whole: Outgoing) -> Outgoing:
    """Return a dead letter without its value, for one that exceeds max.message.bytes."""
    omitted = (VALUE_OMITTED, str(len(whole.value or b"")).encode())
    return Outgoing(None, whole.key, (*whole.headers, omitted))


def without_headers(stub: Outgoing) -> Outgoing:
    """Return a dead letter with our headers only, for one that is still too large."""
    # if the message had a header of this name, ours is the last one
    own = {name: value for name, value in stub.headers if name in _ADDED}
    omitted = str(len(stub.headers) - len(own)).encode()
    return Outgoing(None, None, (*own.items(), (HEADERS_OMITTED, omitted)))


def _without_ours(headers: Iterable[Header]) -> list[Header]:
    """Return the headers without the last one of each name that a dead letter adds."""
    kept = []
    added = {*_ADDED, REPLAYED_FROM}
    for name, value in reversed(list(headers)):
        if name in added:
            added.remove(name)
        else:
            kept.append((name, value))
    return kept[::-1]


def _number(text: str | None) -> int | None:
    short = text is not None and len(text) <= _LONGEST_NUMBER
    return int(text) if text and short and text.isascii() and text.isdigit() else None
