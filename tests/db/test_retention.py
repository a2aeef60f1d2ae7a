"""Clean-up takes what is old, in chunks, and leaves what is refreshed meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregator.db import tables as t
from aggregator.db.consumer_errors import SqlConsumerErrors
from aggregator.db.engine import Database
from aggregator.db.feedback import SqlFeedback
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.reports import SqlReports
from aggregator.db.retention import Retention
from aggregator.db.toggles import SqlToggles
from aggregator.db.votes import SqlVotes
from aggregator.db.workloads import SqlDvo
from aggregator.model import (
    ClusterId,
    Hit,
    Report,
    RuleHit,
    Version,
    Vote,
)
from testing.contract.consumer_errors import ROW
from testing.contract.sample_data import (
    ANN,
    BILLING,
    KEY,
    ORG,
    OTHER_KEY,
    RULE,
    SHIPPING,
    workloads,
)
from tests.db.stores import KINDS, open_store

OLD, LIMIT, YOUNG = datetime(2026, 1, 1), datetime(2026, 2, 1), datetime(2026, 3, 1)
HITS = tuple(Hit(RULE, key, "{}") for key in (KEY, OTHER_KEY))
A, B, C, D = (ClusterId(f"{letter * 8}-0000-4000-8000-000000000000") for letter in "abcd")
VERSION = Version("4.18.1")
OF_REPORT = ("report", "rule_hit", "recommendation", "report_info")


@dataclass
class Scene:
    """A database whose clock is set by the test."""

    database: Database
    now: datetime = OLD

    def __post_init__(self) -> None:
        self.reports = SqlReports(self.database, lambda: self.now)
        self.dvo = SqlDvo(self.database)
        self.retention = Retention(self.database, ocp=True, dvo=True)

    async def report(self, *clusters: ClusterId, at: datetime) -> None:
        """Store a report of each cluster at that time."""
        self.now = at
        await self.reports.store(
            [Report(ORG, cluster, "{}", HITS, at, version=VERSION) for cluster in clusters]
        )

    async def look_at(self, *clusters: ClusterId, at: datetime) -> None:
        """Store workloads of each cluster at that time."""
        await self.dvo.store([workloads(at, BILLING, SHIPPING, cluster=one) for one in clusters])

    async def delete(self, size: int = 100) -> Counter[str]:
        """Delete all that is old."""
        total: Counter[str] = Counter()
        async for rows in self.retention.delete(LIMIT, size):
            total.update(rows)
        return total

    async def names(self, table: sa.Table) -> list[str]:
        """Return the clusters that the table has, once each."""
        column = table.c.cluster if table is t.report else table.c.cluster_id
        async with self.database.engine.connect() as conn:
            return sorted(set((await conn.execute(sa.select(column))).scalars()))

    async def run(self, statement: sa.Executable) -> None:
        """Change the database behind the service's back."""
        async with self.database.engine.begin() as conn:
            await conn.execute(statement)


@asynccontextmanager
async def scene_of(kind: str, folder: Path) -> AsyncIterator[Scene]:
    async with open_store(kind, folder) as engine:
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
        database = Database(engine)
        try:
            yield Scene(database)
        finally:
            await database.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_old_is_counted_and_deleted(kind: str, tmp_path: Path) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, B, at=OLD)
        await scene.report(C, at=YOUNG)
        await scene.look_at(A, at=OLD)
        await scene.look_at(B, at=YOUNG)
        errors = SqlConsumerErrors(scene.database)
        for offset, at in ((1, OLD), (2, OLD), (3, YOUNG)):
            await errors.put([replace(ROW, offset=offset, consumed_at=at)])
        for cluster in (A, C):
            hit = RuleHit(cluster, RULE, KEY)
            await SqlVotes(scene.database).put(ORG, ANN, hit, Vote.LIKE, "")
            await SqlToggles(scene.database).put(ORG, hit, disabled=True)
            await SqlFeedback(scene.database).put(ORG, ANN, hit, "why")
        expected = Counter(
            report=2, rule_hit=4, recommendation=4, report_info=2, cluster_rule_user_feedback=1,
            dvo_report=2, consumer_error=2,
        )  # fmt: skip
        assert await scene.retention.count(LIMIT) == expected
        assert await scene.names(t.report) == [A, B, C]
        assert +await scene.delete() == expected
        for name in OF_REPORT:
            assert await scene.names(t.metadata.tables[name]) == [C], name
        assert await scene.names(t.cluster_rule_user_feedback) == [C]
        assert await scene.names(t.dvo_report) == [B]
        for kept in (t.cluster_rule_toggle, t.cluster_user_rule_disable_feedback):
            assert await scene.names(kept) == [A, C]
        assert (await scene.retention.count(LIMIT)).total() == 0
        assert (await scene.delete()).total() == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_the_limit_itself_is_not_old(kind: str, tmp_path: Path) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, at=LIMIT)
        await scene.report(B, at=LIMIT - timedelta(microseconds=1))
        await scene.look_at(A, at=LIMIT)
        await scene.delete()
        assert await scene.names(t.report) == [A]
        assert await scene.names(t.dvo_report) == [A]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_transaction_has_a_chunk_at_most(kind: str, tmp_path: Path) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, B, C, D, at=OLD)
        await scene.look_at(A, B, C, at=OLD)
        errors = SqlConsumerErrors(scene.database)
        await errors.put([replace(ROW, offset=offset, consumed_at=OLD) for offset in range(5)])
        parts = [rows async for rows in scene.retention.delete(LIMIT, 2)]
        assert [rows["report"] for rows in parts if rows["report"]] == [2, 2]
        assert [rows["dvo_report"] for rows in parts if rows["dvo_report"]] == [4, 2]
        assert [rows["consumer_error"] for rows in parts if rows["consumer_error"]] == [2, 2, 1]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cluster_that_reports_meanwhile_stays(kind: str, tmp_path: Path) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, B, C, at=OLD)
        chunks = scene.retention.delete(LIMIT, 1)
        assert (await anext(chunks))["report"] == 1
        await scene.report(B, at=YOUNG)
        assert [rows["report"] async for rows in chunks if rows["report"]] == [1]
        for name in OF_REPORT:
            assert await scene.names(t.metadata.tables[name]) == [B], name
        assert len((await scene.reports.read(ORG, B, ANN)).hits) == len(HITS)


@pytest.mark.parametrize("kind", KINDS)
async def test_workloads_that_are_looked_at_meanwhile_stay(kind: str, tmp_path: Path) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.look_at(A, B, C, at=OLD)
        chunks = scene.retention.delete(LIMIT, 1)
        assert (await anext(chunks))["dvo_report"] == 2
        await scene.look_at(B, at=YOUNG)
        assert [rows["dvo_report"] async for rows in chunks if "dvo_report" in rows] == [0, 2]
        assert await scene.names(t.dvo_report) == [B]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_deleted_report_left_behind_goes_when_it_is_old(
    kind: str, tmp_path: Path
) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, at=OLD)
        await scene.report(B, C, at=YOUNG)
        await scene.run(sa.delete(t.report).where(t.report.c.cluster.in_([A, B])))
        expected = Counter(rule_hit=2, recommendation=2, report_info=2)
        assert +await scene.retention.count(LIMIT) == expected
        assert +await scene.delete() == expected
        assert await scene.names(t.rule_hit) == [B, C]
        assert await scene.names(t.recommendation) == [B, C]
        assert await scene.names(t.report_info) == [C]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_left_behind_stays_when_the_cluster_reports_again(
    kind: str, tmp_path: Path
) -> None:
    async with scene_of(kind, tmp_path) as scene:
        await scene.report(A, B, C, at=OLD)
        await scene.run(sa.delete(t.report))
        chunks = scene.retention.delete(LIMIT, 1)
        while not (await anext(chunks))["rule_hit"]:
            pass
        await scene.report(B, at=YOUNG)
        async for _ in chunks:
            pass
        for name in OF_REPORT:
            assert await scene.names(t.metadata.tables[name]) == [B], name
        # the hits have kept created_at, so they are the old rows
        assert len((await scene.reports.read(ORG, B, ANN)).hits) == len(HITS)


@pytest.mark.parametrize("table", [t.report, t.rule_hit, t.dvo_report], ids=str)
async def test_a_row_that_is_being_written_is_passed_over(table: sa.Table, tmp_path: Path) -> None:
    async with scene_of("postgresql", tmp_path) as scene:
        await scene.report(A, B, at=OLD)
        await scene.look_at(A, B, at=OLD)
        if table is t.rule_hit:
            await scene.run(sa.delete(t.report))
        column = table.c.cluster if table is t.report else table.c.cluster_id
        async with scene.database.engine.begin() as writer:
            await writer.execute(sa.select(column).where(column == A).with_for_update())
            async with asyncio.timeout(10):
                await scene.delete()
            assert await scene.names(table) == [A]
        await scene.delete()
        assert await scene.names(table) == []


async def test_ingest_and_clean_up_at_once_lose_nothing(tmp_path: Path) -> None:
    clusters = [ClusterId(f"{number:08x}-0000-4000-8000-000000000000") for number in range(400)]
    chance = random.Random(7)
    refreshed = chance.sample(clusters, 200)
    async with scene_of("postgresql", tmp_path) as scene:
        await scene.report(*clusters, at=OLD)
        await scene.look_at(*clusters, at=OLD)
        # a third has lost its reports only
        lost = clusters[::3]
        await scene.run(sa.delete(t.report).where(t.report.c.cluster.in_(lost)))
        scene.now = YOUNG

        async def ingest(names: Sequence[ClusterId]) -> None:
            for begin in range(0, len(names), 7):
                batch = names[begin : begin + 7]
                await scene.reports.store(
                    [Report(ORG, name, "{}", HITS, YOUNG, version=VERSION) for name in batch]
                )
                await scene.look_at(*batch, at=YOUNG)

        async with asyncio.timeout(60):
            await asyncio.gather(
                *(ingest(refreshed[turn::3]) for turn in range(3)),
                *(scene.delete(size) for size in (5, 16)),
            )
            await scene.delete()
        for name in OF_REPORT:
            assert await scene.names(t.metadata.tables[name]) == sorted(refreshed), name
        assert await scene.names(t.dvo_report) == sorted(refreshed)
        for name in refreshed:
            stored = await scene.reports.read(ORG, name, ANN)
            assert len(stored.hits) == len(HITS)


async def test_a_database_for_workloads_alone_needs_no_other_table(tmp_path: Path) -> None:
    async with open_store("sqlite file", tmp_path) as engine:
        await migrate(engine, DVO, DVO.latest)
        database = Database(engine)
        await SqlDvo(database).store([workloads(OLD, BILLING)])
        retention = Retention(database, ocp=False, dvo=True)
        assert await retention.count(LIMIT) == Counter(dvo_report=1)
        assert [dict(rows) async for rows in retention.delete(LIMIT, 1)] == [{"dvo_report": 1}]
        await database.close()
