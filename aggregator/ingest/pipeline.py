"""Runs the stages of a pipeline of async generators concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

Item = TypeVar("Item")


async def prefetch(items: AsyncIterable[Item]) -> AsyncGenerator[Item, None]:
    """Yield the items; compute the next one while the caller uses this one."""
    ready: asyncio.Queue[Item | None] = asyncio.Queue()
    filling = asyncio.ensure_future(_fill(ready, items))
    try:
        while (item := await ready.get()) is not None:
            ready.task_done()
            yield item
        await filling
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


async def _fill(ready: asyncio.Queue[Item | None], items: AsyncIterable[Item]) -> None:
    """Put each item into the queue when the one before is taken, and None at the end."""
    try:
        async for item in items:
            ready.put_nowait(item)
            await ready.join()
    finally:
        ready.put_nowait(None)
