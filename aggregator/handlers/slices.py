"""Iterates over long lists in slices, yielding to the event loop between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")


async def in_slices(items: Sequence[T], size: int) -> AsyncIterator[Sequence[T]]:
    """Yield the items in slices of `size`; after each the event loop may do other work."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
        await asyncio.sleep(0)
