"""Long answers are built in slices, between which other requests are answered."""

from __future__ import annotations

import asyncio

import orjson

from aggregator.handlers.workloads import ROWS_IN_A_SLICE, listed
from aggregator.model import ClusterId, Namespace, NamespaceRow

SLICES = 4


async def test_the_loop_turns_between_the_slices_of_a_long_list() -> None:
    row = NamespaceRow(ClusterId("c"), Namespace("n"), "", 1, 1, None, None, {"b": 1, "a": 2})
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    found = await listed([row] * (ROWS_IN_A_SLICE * SLICES))
    counting.cancel()
    assert turns >= SLICES
    assert found is not None
    document = orjson.loads(orjson.dumps(found))
    assert len(document) == ROWS_IN_A_SLICE * SLICES
    assert list(document[0]["recommendations_hit_count"]) == ["a", "b"]
    assert await listed([]) is None
