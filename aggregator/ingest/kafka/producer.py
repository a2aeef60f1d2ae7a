"""Sends lists of messages in order and waits for their acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from ...errors import Unavailable
from .errors import reason

# errors of a batch that exceeds max.message.bytes or a segment
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)

# a key that is not UTF-8 has its bytes as lone surrogates, as `record_format` reads it
Header = tuple[str, bytes | None]


class Outgoing(msgspec.Struct, frozen=True):
    """A message to be sent."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[Header, ...] = ()


class Sender:
    """A producer that raises Unavailable for every error except a message that is too large.

    `check` raises Unavailable while the topic cannot be written to; it is called at the start.
    """

    def __init__(
        self, producer: AIOKafkaProducer, check: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._producer = producer
        self._check = check
        self._connected = False
        self._started = False

    async def start(self) -> None:
        """Connect; raise Unavailable when no broker answers."""
        if self._started:
            return
        if not self._connected:
            try:
                await self._producer.start()
            except KafkaError as error:
                raise Unavailable(f"broker: {reason(error)}") from error
            self._connected = True
        if self._check is not None:
            await self._check()
        self._started = True

    async def stop(self) -> None:
        """Close the connections."""
        await self._producer.stop()

    async def send(self, topic: str, messages: Sequence[Outgoing], shard: int = 0) -> list[int]:
        """Send the messages in order and wait until they are acknowledged.

        Messages with the same `shard` go to the same partition. Return the positions of the
        messages that are too large for the broker; raise Unavailable for any other error.
        """
        try:
            return await self._send(topic, messages, shard)
        except KafkaError as error:
            raise Unavailable(f"broker: topic '{topic}': {reason(error)}") from error

    async def _send(self, topic: str, messages: Sequence[Outgoing], shard: int) -> list[int]:
        if not messages:
            return []
        partitions = sorted(await self._producer.partitions_for(topic))
        partition = partitions[shard % len(partitions)]
        starts, waits = [], []
        for start, batch in self._batches(messages):
            starts.append(start)
            waits.append(await self._producer.send_batch(batch, topic, partition=partition))
        answers = await asyncio.gather(*waits, return_exceptions=True)
        too_large: list[int] = []
        ends = [*starts[1:], len(messages)]
        for start, end, answer in zip(starts, ends, answers, strict=True):
            if isinstance(answer, TOO_LARGE):
                too_large += await self._send_singly(topic, messages, range(start, end), shard)
            elif isinstance(answer, BaseException):
                raise answer
        return too_large

    async def _send_singly(
        self, topic: str, messages: Sequence[Outgoing], positions: range, shard: int
    ) -> list[int]:
        """Send the messages of a batch one by one; return those too large for the broker."""
        if len(positions) == 1:
            return list(positions)
        return [at for at in positions if await self._send(topic, [messages[at]], shard)]

    def _batches(self, messages: Sequence[Outgoing]) -> Iterator[tuple[int, BatchBuilder]]:
        # a batch takes a tenth of the time of single sends, and allows values of None without a key
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
