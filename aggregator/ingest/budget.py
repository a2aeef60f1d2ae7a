"""The memory that decoded messages may take until they are settled."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sized
from typing import Any

# decoded messages in flight; one message may exceed it, then it is alone
IN_FLIGHT = 24 * 1024 * 1024
# of a hit or a namespace, with the rows that are made of it
PART_BYTES = 1000


class Budget:
    """Bytes in flight: taken when a message is decoded, given back when it is settled."""

    def __init__(self, size: int = IN_FLIGHT) -> None:
        self._size = size
        self._taken = 0
        self._given = asyncio.Event()

    @property
    def full(self) -> bool:
        """Return True if nothing more may be decoded now."""
        return self._taken >= self._size

    def take(self, size: int) -> None:
        """Count so many bytes."""
        self._taken += size

    def give(self, size: int) -> None:
        """Count so many bytes no longer."""
        self._taken -= size
        self._given.set()

    async def room(self) -> None:
        """Wait until the budget is not full."""
        while self.full:
            self._given.clear()
            await self._given.wait()


def size_of(report: Any) -> int:
    """Return about how many bytes a report takes, 0 for None: its text is in its parts, too."""
    if report is None:
        return 0
    parts: Sized = getattr(report, "hits", ()) or getattr(report, "namespaces", ())
    return 2 * sys.getsizeof(getattr(report, "text", "")) + PART_BYTES * len(parts)
