"""Runs an async context manager in a thread with its own event loop, for synchronous tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")

START_SECONDS = 60


@contextmanager
def in_thread(context: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter the context in a thread, whose loop runs until the block ends; give its value.

    What the context raises, on entering or on leaving, is raised here.
    """
    entered: Future[tuple[T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    left: Future[None] = Future()

    async def hold() -> None:
        async with context as value:
            stop = asyncio.Event()
            entered.set_result((value, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
            left.set_result(None)
        except BaseException as error:
            (left if entered.done() else entered).set_exception(error)

    thread = threading.Thread(target=run, name="testing", daemon=True)
    thread.start()
    value, loop, stop = entered.result(START_SECONDS)
    try:
        yield value
    finally:
        if not left.done():
            loop.call_soon_threadsafe(stop.set)
        thread.join(START_SECONDS)
        left.result(0)
