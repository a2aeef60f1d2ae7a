"""In-memory producer with aiokafka's interface, recorded messages and injected errors."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError, UnknownTopicOrPartitionError

from .faults import Faults


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as the broker got it."""

    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int


class MemoryBatch:
    """Messages that are sent together; takes at most `most`."""

    def __init__(self, most: int) -> None:
        self.messages: list[tuple[Any, Any, Any]] = []
        self._most = most

    def append(self, *, timestamp: Any, key: Any, value: Any, headers: Any = ()) -> object | None:
        """Add a message; return None when the batch is full."""
        if len(self.messages) == self._most:
            return None
        self.messages.append((value, key, tuple(headers)))
        return object()

    def size(self) -> int:
        """Return the bytes of all values and headers."""
        headers = sum(len(value or b"") for _, _, all_ in self.messages for _, value in all_)
        return headers + sum(len(value or b"") for value, _, _ in self.messages)


class MemoryProducer:
    """Keeps what is sent, by topic. `fail` makes sending raise; `hold` delays acknowledgements."""

    def __init__(
        self, *, partitions: int = 1, largest: int = 1 << 20, batch_messages: int = 100
    ) -> None:
        self.sent: defaultdict[str, list[Sent]] = defaultdict(list)
        self.missing_topics: set[str] = set()
        self.started = self.stopped = False
        self.answering = asyncio.Event()
        self.answering.set()
        self._partitions = set(range(partitions))
        self._largest = largest
        self._batch_messages = batch_messages
        self._faults = Faults("start", "send")

    def fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of `method` (`start` or `send`) raise these errors, one each."""
        self._faults.add(method, *errors)

    def hold(self) -> None:
        """Answer nothing until `answering` is set."""
        self.answering.clear()

    async def start(self) -> None:
        """Connect."""
        self._faults.strike("start")
        self.started = True

    async def stop(self) -> None:
        """Close."""
        self.stopped = True

    async def partitions_for(self, topic: str) -> set[int]:
        """Return the partitions' numbers; the topic may be missing."""
        if topic in self.missing_topics:
            raise UnknownTopicOrPartitionError(topic)
        return self._partitions

    def create_batch(self) -> MemoryBatch:
        """Return an empty batch."""
        return MemoryBatch(self._batch_messages)

    async def send_batch(
        self, batch: MemoryBatch, topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        """Send; the returned future is done when the broker has acknowledged."""
        return asyncio.ensure_future(self._send(batch, topic, partition))

    async def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Iterable[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[None]:
        """Send one message; the returned future is done when the broker has acknowledged."""
        batch = MemoryBatch(1)
        batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers or ())
        return await self.send_batch(batch, topic, partition=partition or 0)

    async def send_and_wait(self, topic: str, value: bytes | None = None, **message: Any) -> None:
        """Send one message and wait until it is acknowledged."""
        await (await self.send(topic, value, **message))

    async def _send(self, batch: MemoryBatch, topic: str, partition: int) -> None:
        await self.answering.wait()
        self._faults.strike("send")
        if batch.size() > self._largest:
            raise MessageSizeTooLargeError
        for value, key, headers in batch.messages:
            self.sent[topic].append(Sent(value, key, headers, partition))
