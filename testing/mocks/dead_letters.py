"""A dead letter topic in memory: keeps what was set aside, and why."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.ingest import dead_letter
from aggregator.ingest.dead_letter_queue import Limit, RefusedSink
from aggregator.ingest.kafka.producer import Sender
from aggregator.metrics import Metrics
from aggregator.storage import RefusedMessages

from .producer import MemoryProducer, Sent

TOPIC = "ccx.aggregator.dead.letter.queue"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it came, where it came from, and why it was set aside."""

    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    topic: str
    partition: int
    offset: int
    kind: str
    error: str


class DeadLetterRecorder(MemoryProducer):
    """The producer of dead letters, with what it sent in words."""

    def sink(self, rows: RefusedMessages | None = None, limit: Limit | None = None) -> RefusedSink:
        """Return a sink of ingest whose letters come here."""
        return RefusedSink(rows, Sender(self), TOPIC, Metrics(), limit)

    def letters(self, topic: str = TOPIC) -> list[DeadLetter]:
        """Return all letters, in order."""
        return [_letter(sent) for sent in self.sent[topic]]


def _letter(sent: Sent) -> DeadLetter:
    told = {name: value.decode(errors="replace") for name, value in sent.headers}
    return DeadLetter(
        sent.value,
        sent.key,
        sent.headers,
        told[dead_letter.TOPIC],
        int(told[dead_letter.PARTITION]),
        int(told[dead_letter.OFFSET]),
        told[dead_letter.KIND],
        told[dead_letter.ERROR],
    )
