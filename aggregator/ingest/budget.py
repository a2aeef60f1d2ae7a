"""Limits the memory of decoded messages that are not committed yet."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sized
from typing import Any

# bytes of decoded messages; a single larger message is allowed
IN_FLIGHT = 24 * 1024 * 1024
# estimate for a hit or a namespace with its rows
ITEM_BYTES = 1000


class Budget:
    """Bytes in flight: acquired when a message is decoded, released when its batch is finished."""

    def __init__(self, size: int = IN_FLIGHT) -> None:
        self._size = size
        self._acquired = 0
        self._released = asyncio.Event()

    @property
    def full(self) -> bool:
        """Return True if the limit is reached."""
        return self._acquired >= self._size

    def acquire(self, size: int) -> None:
        """Add bytes."""
        self._acquired += size

    def release(self, size: int) -> None:
        """Subtract bytes."""
        self._acquired -= size
        self._released.set()

    async def room(self) -> None:
        """Wait until the budget is not full."""
        while self.full:
            self._released.clear()
            await self._released.wait()


def size_of(report: Any) -> int:
    """Estimate the bytes of a report, 0 for None; the text counts twice, as its hits repeat it."""
    if report is None:
        return 0
    items: Sized = getattr(report, "hits", ()) or getattr(report, "namespaces", ())
    return 2 * sys.getsizeof(getattr(report, "text", "")) + ITEM_BYTES * len(items)
