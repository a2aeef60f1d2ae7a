"""The runner: which version a database is of, what is refused, and who waits for whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db.engine import open_url
from aggregator.db.migrations import (
    DVO,
    OCP,
    Chain,
    current,
    migrate,
    prepare,
)
from aggregator.errors import MigrationError, Unavailable
from tests.db.stores import KINDS, open_store, open_stores

CHAINS = pytest.mark.parametrize("chain", [OCP, DVO], ids=lambda chain: chain.name)
STORES = pytest.mark.parametrize("kind", KINDS)


@STORES
@CHAINS
async def test_an_empty_database_is_of_version_0_and_stays_empty(
    kind: str, chain: Chain, tmp_path: Path
) -> None:
    async with open_store(kind, tmp_path) as engine:
        assert await current(engine, chain) == 0
        async with engine.connect() as connection:
            assert await connection.run_sync(lambda c: sa.inspect(c).get_table_names()) == []
            assert not await connection.run_sync(lambda c: sa.inspect(c).has_schema("dvo"))
        await prepare(engine, chain)
        await prepare(engine, chain)
        assert await current(engine, chain) == 0


@CHAINS
@pytest.mark.parametrize("target", [-1, 1])
async def test_a_target_beyond_the_chain_is_refused(
    chain: Chain, target: int, tmp_path: Path
) -> None:
    beyond = chain.latest + target if target > 0 else target
    text = rf"^invalid target version \(available version range is 0-{chain.latest}\)$"
    async with open_store("sqlite in memory", tmp_path) as engine:
        with pytest.raises(MigrationError, match=text):
            await migrate(engine, chain, beyond)
        assert await current(engine, chain) == 0


async def set_versions(engine: AsyncEngine, chain: Chain, versions: list[int]) -> None:
    info = chain.info_table(engine.dialect.name)
    async with engine.begin() as connection:
        await connection.execute(sa.delete(info))
        for version in versions:
            await connection.execute(sa.insert(info).values(version=version))


@STORES
@CHAINS
async def test_a_database_of_a_newer_version_is_left_alone(
    kind: str, chain: Chain, tmp_path: Path
) -> None:
    text = r"^current version \(40\) is outside of available migration boundaries$"
    async with open_store(kind, tmp_path) as engine:
        await prepare(engine, chain)
        await set_versions(engine, chain, [40])
        with pytest.raises(MigrationError, match=text):
            await migrate(engine, chain, 0)
        assert await current(engine, chain) == 40


@STORES
async def test_there_must_be_exactly_one_version(kind: str, tmp_path: Path) -> None:
    unexpected = r"^unexpected number of rows in migration info table \(expected: 1, reality: 2\)$"
    async with open_store(kind, tmp_path) as engine:
        await prepare(engine, OCP)
        await set_versions(engine, OCP, [3, 4])
        with pytest.raises(MigrationError, match=r"^migration info table contain 2 rows$"):
            await current(engine, OCP)
        for attempt in (prepare(engine, OCP), migrate(engine, OCP, 32)):
            with pytest.raises(MigrationError, match=unexpected):
                await attempt
        await set_versions(engine, OCP, [])
        with pytest.raises(MigrationError, match=r"^migration info table contain 0 rows$"):
            await current(engine, OCP)


@pytest.mark.parametrize("kind", KINDS[:2])
async def test_migrators_of_both_chains_and_of_the_same_chain_do_not_clash(
    kind: str, tmp_path: Path
) -> None:
    async with open_stores(kind, tmp_path, 4) as engines:
        pairs = zip(engines, (OCP, DVO, OCP, DVO), strict=True)
        await asyncio.gather(*(migrate(engine, chain, chain.latest) for engine, chain in pairs))
        for chain in (OCP, DVO):
            assert await current(engines[0], chain) == chain.latest


async def test_a_migrator_waits_for_another_of_its_chain_only(tmp_path: Path) -> None:
    async with open_stores("postgresql", tmp_path, 2) as (one, other):
        async with one.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OCP.lock)))
            waiting = asyncio.create_task(migrate(other, OCP, 32))
            await asyncio.wait_for(migrate(other, DVO, 4), 5)
            assert not waiting.done()
            assert await current(other, OCP) == 0
        await asyncio.wait_for(waiting, 10)
        assert await current(other, OCP) == 32


async def test_a_database_that_is_away_is_unavailable() -> None:
    engine = open_url("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    for attempt in (current(engine, OCP), prepare(engine, OCP), migrate(engine, OCP, 1)):
        with pytest.raises(Unavailable):
            await attempt
    await engine.dispose()
