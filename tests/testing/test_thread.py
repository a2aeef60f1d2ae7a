"""What is asynchronous runs in a thread for those who are not, and its errors come back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from testing.mocks.thread import in_thread


@asynccontextmanager
async def _context(
    events: list[str], *, enter: bool = True, leave: bool = True
) -> AsyncIterator[int]:
    if not enter:
        raise LookupError("on entering")
    ticking = asyncio.create_task(_tick(events))
    yield 7
    ticking.cancel()
    events.append("left")
    if not leave:
        raise LookupError("on leaving")


async def _tick(events: list[str]) -> None:
    while True:
        events.append("tick")
        await asyncio.sleep(0.001)


def test_the_loop_runs_as_long_as_the_block() -> None:
    events: list[str] = []
    before = threading.active_count()
    with in_thread(_context(events)) as value:
        assert value == 7
        while events.count("tick") < 3:
            pass
    assert events[-1] == "left"
    assert threading.active_count() == before


def test_an_error_on_entering_is_raised() -> None:
    with pytest.raises(LookupError, match="on entering"), in_thread(_context([], enter=False)):
        pytest.fail("the block is not entered")


def test_an_error_on_leaving_is_raised() -> None:
    with pytest.raises(LookupError, match="on leaving"), in_thread(_context([], leave=False)):
        pass


def test_an_error_of_the_block_leaves_the_context_first() -> None:
    events: list[str] = []
    with pytest.raises(ZeroDivisionError), in_thread(_context(events)):
        raise ZeroDivisionError
    assert events[-1] == "left"
