"""Lists in parts, between which the event loop runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator

import pytest

from aggregator.parts import Parts, in_parts, in_slices, sorted_names


@in_parts
async def counted(parts: int, closed: list[bool]) -> AsyncGenerator[list[int], None]:
    try:
        for number in range(parts):
            yield [number, number]
    finally:
        closed.append(True)


async def test_parts_are_iterated_or_awaited_as_a_whole() -> None:
    assert [part async for part in counted(2, [])] == [[0, 0], [1, 1]]
    assert await counted(2, []) == [0, 0, 1, 1]
    assert await Parts.of(1, 2) == [1, 2]
    assert [part async for part in Parts.of()] == []


async def test_closed_parts_end_what_produces_them() -> None:
    closed: list[bool] = []
    parts = counted(3, closed)
    async for _ in parts:
        break
    await parts.aclose()
    assert closed == [True]


async def test_the_loop_runs_between_slices() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    slices = [list(part) async for part in in_slices(range(10), 3)]
    counting.cancel()
    assert slices == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert turns >= len(slices) - 1


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 100, 1001])
@pytest.mark.parametrize("different", [1, 10, 11, 2000])
async def test_names_are_distinct_and_ascending_in_parts(number: int, different: int) -> None:
    chance = random.Random(number * different)
    names = [f"n{chance.randrange(different)}" for _ in range(number)]
    parts = [part async for part in sorted_names(names, 10)]
    assert [name for part in parts for name in part] == sorted(set(names))
    assert all(0 < len(part) <= 10 for part in parts)
