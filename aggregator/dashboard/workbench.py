"""Sends messages for the page of `dev`, follows them to their outcome, replays dead letters."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from ..config.options import Config
from ..errors import InvalidInput, NotFound, Unavailable
from ..ingest.consumers import DVO, sources
from ..ingest.dead_letter import DeadLetter
from ..ingest.kafka import factory
from ..ingest.kafka.admin import open_brokers
from ..ingest.kafka.errors import reason
from ..ingest.kafka.producer import Header, Outgoing
from .recorder import Place, Recorder
from .tools import Tools

# how long a message may take before the page is told that it is not handled yet
OUTCOME_SECONDS = 5.0
# dead letters that are searched for the one of a message
SEARCHED = 1000
LONGEST_VALUE = 256 * 1024


class Workbench:
    """Produces into the topics that this service consumes; connects at the first message."""

    def __init__(self, config: Config, tools: Tools, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self.tools = tools
        self._producer: AIOKafkaProducer | None = None

    @property
    def kinds(self) -> dict[str, str]:
        """Return the topic of each kind of message that this service consumes."""
        topics = dict.fromkeys(topic for topic, _ in sources(self._config))
        used = self._config.storage_backend.use
        return {
            "dvo" if use == DVO else "ocp": topic for use, topic in zip(used, topics, strict=True)
        }

    async def send(self, kind: str, value: bytes) -> Place:
        """Send a message of a kind (`ocp`, `dvo`); return where it is.

        Raise InvalidInput for another kind or what the broker does not take, Unavailable.
        """
        topic = self.kinds.get(kind)
        if topic is None:
            raise InvalidInput(f"kind: {' or '.join(self.kinds)} expected, not {kind!r}")
        return await self._send(topic, Outgoing(value))

    async def _send(self, topic: str, message: Outgoing) -> Place:
        try:
            if self._producer is None:
                self._producer = factory.producer(self._config.broker)
                await self._producer.start()
            sent = await self._producer.send_and_wait(
                topic, message.value, key=message.key, headers=list(message.headers)
            )
        except KafkaError as error:
            if not error.retriable:
                raise InvalidInput(f"broker: {reason(error)}") from error
            raise Unavailable(f"broker: {reason(error)}") from error
        return sent.topic, sent.partition, sent.offset

    async def way(self, place: Place) -> dict[str, Any]:
        """Return a message and what became of it; raise NotFound when there is none there."""
        record = await self._record(place)
        outcome = await self._recorder.outcome(place, OUTCOME_SECONDS)
        found: dict[str, Any] = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "produced_at": record.timestamp / 1000,
            "size": len(record.value or b""),
            "value": _text(record.value),
            "headers": _headers(record.headers),
            "outcome": outcome,
            "rows": {},
            "dead_letter": None,
        }
        if outcome is None:
            return found
        if outcome["state"] == "invalid":
            found["dead_letter"] = await self._dead_letter(place)
        elif outcome["organization"] is not None:
            found["rows"] = await self.tools.rows(outcome["organization"], outcome["cluster"])
        return found

    async def replay(self, partition: int, offset: int) -> Place:
        """Send a dead letter to the topic it came from, as the command `replay` does.

        Return where it is now; raise NotFound, InvalidInput, Unavailable.
        """
        topic = self._config.broker.dead_letter_queue_topic
        letter = DeadLetter.read(await self._record((topic, partition, offset)))
        if letter.value_omitted or letter.origin.topic not in self.kinds.values():
            raise InvalidInput(f"dead letter {partition}/{offset}: it cannot be sent again")
        return await self._send(letter.origin.topic, letter.message())

    async def _record(self, place: Place) -> ConsumerRecord:
        """Return the record at this place."""
        topic, partition, offset = place
        if topic not in (*self.kinds.values(), self._config.broker.dead_letter_queue_topic):
            raise NotFound.item(*place)
        async with open_brokers(self._config.broker) as brokers:
            at = TopicPartition(topic, partition)
            if at not in await brokers.partitions(topic):
                raise NotFound.item(*place)
            first, ends = await brokers.bounds([at])
            if first[at] <= offset < ends[at]:
                async for records in brokers.records({at: offset}, {at: offset + 1}):
                    for record in records:
                        return record
        raise NotFound.item(*place)

    async def _dead_letter(self, place: Place) -> dict[str, Any] | None:
        """Return the newest dead letter of the message, None without a dead-letter topic."""
        topic = self._config.broker.dead_letter_queue_topic
        if not topic:
            return None
        found = None
        async with open_brokers(self._config.broker) as brokers:
            first, ends = await brokers.bounds(await brokers.partitions(topic))
            begin = {at: max(first[at], ends[at] - SEARCHED) for at in first}
            async for records in brokers.records(begin, ends):
                for record in records:
                    origin = DeadLetter.read(record).origin
                    if (origin.topic, origin.partition, origin.offset) == place:
                        found = record
        if found is None:
            return None
        return {
            "topic": found.topic,
            "partition": found.partition,
            "offset": found.offset,
            "at": found.timestamp / 1000,
            "headers": _headers(found.headers),
        }

    async def stop(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await self._producer.stop()


def _text(value: bytes | None) -> str | None:
    if value is None or len(value) > LONGEST_VALUE:
        return None
    return value.decode(errors="replace")


def _headers(headers: Any) -> list[list[str]]:
    pairs: list[Header] = list(headers)
    return [
        [name.encode(errors="replace").decode(), (value or b"").decode(errors="replace")]
        for name, value in pairs
    ]
