"""Tests of the shards in which a batch is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from aggregator.errors import RecordRejected
from aggregator.ingest import batch
from aggregator.ingest.batch import BatchWriter, Outcome, Store
from aggregator.ingest.decode.message import Envelope
from aggregator.ingest.retry import Retrier
from tests.ingest.doubles import AT, record


@dataclass(frozen=True)
class Report:
    cluster: str
    number: int


def outcomes(count: int, clusters: int) -> list[Outcome]:
    return [
        Outcome(record(offset=n), Envelope(), Report(f"c{n % clusters}", n), AT, 0.0)
        for n in range(count)
    ]


async def write(batch: list[Outcome], store: Store, shards: int) -> list[Outcome]:
    return await BatchWriter(store, Retrier()).write(batch, shards)


async def test_shards_are_stored_concurrently_and_a_cluster_is_in_one_shard() -> None:
    both = asyncio.Barrier(2)
    shards: list[list[Report]] = []

    async def store(reports: Sequence[Report]) -> list[bool]:
        shards.append(list(reports))
        async with asyncio.timeout(30):
            await both.wait()
        return [report.number % 3 == 0 for report in reports]

    told = await write(outcomes(4 * batch.MIN_SHARD, clusters=60), store, shards=2)

    assert [one.stored for one in told] == [n % 3 == 0 for n in range(4 * batch.MIN_SHARD)]
    first, second = shards
    assert {one.cluster for one in first}.isdisjoint(one.cluster for one in second)
    for shard in shards:
        assert [one.number for one in shard] == sorted(one.number for one in shard)


@pytest.mark.parametrize(
    ("count", "most"), [(2 * batch.MIN_SHARD - 1, 2), (4 * batch.MIN_SHARD, 1)]
)
async def test_a_short_batch_and_a_single_shard_are_stored_at_once(count: int, most: int) -> None:
    sizes: list[int] = []

    async def store(reports: Sequence[Report]) -> list[bool]:
        sizes.append(len(reports))
        return [True] * len(reports)

    await write(outcomes(count, clusters=count), store, shards=most)

    assert sizes == [count]


async def test_a_rejected_report_is_found_in_its_shard() -> None:
    async def store(reports: Sequence[Report]) -> list[bool]:
        if any(report.number in (7, 90) for report in reports):
            raise RecordRejected("no")
        return [True] * len(reports)

    told = await write(outcomes(4 * batch.MIN_SHARD, clusters=200), store, shards=2)

    assert [at for at, one in enumerate(told) if one.invalid] == [7, 90]
    assert sum(one.stored for one in told) == 4 * batch.MIN_SHARD - 2


async def test_a_failing_shard_cancels_the_others() -> None:
    ended = asyncio.Event()
    begun = 0

    async def store(reports: Sequence[Report]) -> list[bool]:
        nonlocal begun
        begun += 1
        if begun == 1:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()
        raise RuntimeError("fault")

    with pytest.raises(RuntimeError):
        await write(outcomes(4 * batch.MIN_SHARD, clusters=200), store, shards=2)
    assert ended.is_set()
