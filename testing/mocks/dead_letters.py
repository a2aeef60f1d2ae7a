"""A dead-letter topic in memory: the dead letters that ingest sent."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.ingest import dead_letter
from aggregator.ingest.dead_letter_queue import DeadLetterQueue, Limit
from aggregator.ingest.kafka.producer import Sender
from aggregator.metrics import Metrics
from aggregator.storage import ConsumerErrors

from .producer import MemoryProducer, Sent

TOPIC = "ccx.aggregator.dead.letter.queue"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it came, its origin, and why it is invalid."""

    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    topic: str
    partition: int
    offset: int
    kind: str
    error: str


class DeadLetterRecorder(MemoryProducer):
    """The producer of dead letters, with what it sent as objects."""

    def sink(
        self, rows: ConsumerErrors | None = None, limit: Limit | None = None
    ) -> DeadLetterQueue:
        """Return a dead-letter queue of ingest that sends to this producer."""
        return DeadLetterQueue(rows, Sender(self), TOPIC, Metrics(), limit)

    def letters(self, topic: str = TOPIC) -> list[DeadLetter]:
        """Return all dead letters, in order."""
        return [_dead_letter(sent) for sent in self.sent[topic]]


def _dead_letter(sent: Sent) -> DeadLetter:
    headers = {name: value.decode(errors="replace") for name, value in sent.headers}
    return DeadLetter(
        sent.value,
        sent.key,
        sent.headers,
        headers[dead_letter.TOPIC],
        int(headers[dead_letter.PARTITION]),
        int(headers[dead_letter.OFFSET]),
        headers[dead_letter.KIND],
        headers[dead_letter.ERROR],
    )
