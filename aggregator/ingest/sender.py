"""Messages to the broker: sent in order, acknowledged before it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from ..errors import Unavailable


class Outgoing(msgspec.Struct, frozen=True):
    """A message to be sent."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Sender:
    """A producer whose every trouble is Unavailable, but for a message that is too large."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._started = False

    async def start(self) -> None:
        """Connect; raise Unavailable when no broker answers."""
        if not self._started:
            try:
                await self._producer.start()
            except KafkaError as error:
                raise Unavailable(f"broker: {error}") from error
            self._started = True

    async def stop(self) -> None:
        """Close the connections."""
        await self._producer.stop()

    async def send(self, topic: str, messages: Sequence[Outgoing], lane: int = 0) -> list[int]:
        """Send the messages in order and wait until they are acknowledged.

        Messages of one lane go to one partition. Return the positions of the messages that are
        too large for the broker; raise Unavailable when it does not take the others.
        """
        try:
            return await self._send(topic, messages, lane)
        except KafkaError as error:
            raise Unavailable(f"topic {topic}: {error!r}") from error

    async def _send(self, topic: str, messages: Sequence[Outgoing], lane: int) -> list[int]:
        if not messages:
            return []
        partitions = sorted(await self._producer.partitions_for(topic))
        partition = partitions[lane % len(partitions)]
        starts, waits = [], []
        for start, batch in self._batches(messages):
            starts.append(start)
            waits.append(await self._producer.send_batch(batch, topic, partition=partition))
        answers = await asyncio.gather(*waits, return_exceptions=True)
        too_large: list[int] = []
        ends = [*starts[1:], len(messages)]
        for start, end, answer in zip(starts, ends, answers, strict=True):
            if isinstance(answer, MessageSizeTooLargeError):
                too_large += await self._send_singly(topic, messages, range(start, end), lane)
            elif isinstance(answer, BaseException):
                raise answer
        return too_large

    async def _send_singly(
        self, topic: str, messages: Sequence[Outgoing], positions: range, lane: int
    ) -> list[int]:
        """Find out which of a batch is too large for the broker."""
        if len(positions) == 1:
            return list(positions)
        return [at for at in positions if await self._send(topic, [messages[at]], lane)]

    def _batches(self, messages: Sequence[Outgoing]) -> Iterator[tuple[int, BatchBuilder]]:
        # whole batches cost a tenth of as many single sends, and keep keyless tombstones possible
        batch = self._producer.create_batch()
        start = 0
        for at, message in enumerate(messages):
            while not _append(batch, message):
                yield start, batch
                batch, start = self._producer.create_batch(), at
        yield start, batch


def _append(batch: BatchBuilder, message: Outgoing) -> bool:
    headers = list(message.headers)
    taken = batch.append(timestamp=None, key=message.key, value=message.value, headers=headers)
    return taken is not None
