"""Any way to cut a sequence of reports into batches leaves the rows of one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.db import tables as t
from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.reports import SqlReports
from aggregator.db.workloads import SqlDvo
from aggregator.model import (
    ClusterId,
    DvoReport,
    ErrorKey,
    Hit,
    Namespace,
    OrgId,
    Report,
    RuleId,
    Version,
    Workloads,
)

CLUSTERS = st.sampled_from([ClusterId(name) for name in ("c1", "c2", "c3")])
ORGS = st.sampled_from([OrgId(1), OrgId(2)])
TIMES = st.integers(0, 4).map(lambda hours: datetime(2026, 1, 1) + timedelta(hours=hours))
HIT = st.builds(
    Hit,
    st.sampled_from([RuleId("a.one.report"), RuleId("a.two.report")]),
    st.sampled_from([ErrorKey("K"), ErrorKey("L")]),
    st.sampled_from(['{"n":1}', '{"n":2}']),
)
HITS = st.lists(HIT, max_size=3, unique_by=lambda hit: (hit.rule_id, hit.error_key)).map(tuple)
REPORT = st.builds(
    Report,
    ORGS,
    CLUSTERS,
    st.sampled_from(['{"a":1}', '{"a":2}']),
    HITS,
    TIMES,
    version=st.sampled_from([None, Version("4.1"), Version("4.2")]),
)
SPACE = st.builds(
    Workloads,
    st.sampled_from([Namespace("n1"), Namespace("n2")]),
    st.just("name"),
    st.integers(1, 3),
    st.integers(1, 3),
    st.just({"a|K": 1}),
)
SPACES = st.lists(SPACE, max_size=2, unique_by=lambda one: one.namespace).map(tuple)
DVO_REPORT = st.builds(DvoReport, ORGS, CLUSTERS, st.just('"{}"'), SPACES, TIMES)
# times of writing differ from run to run
VOLATILE = {"reported_at", "created_at", "impacted_since"}


async def rows_after(batches: Sequence[Sequence[Any]], kind: str) -> tuple[list[bool], Any]:
    engine = open_url("sqlite+aiosqlite://")
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    database = Database(engine)
    storage = SqlReports(database) if kind == "ocp" else SqlDvo(database)
    volatile = VOLATILE if kind == "ocp" else set()
    tables = (
        (t.report, t.rule_hit, t.recommendation, t.report_info)
        if kind == "ocp"
        else (t.dvo_report,)
    )
    try:
        stored = [one for batch in batches for one in await storage.store(batch)]
        found = {}
        async with engine.connect() as conn:
            for table in tables:
                columns = [column for column in table.c if column.name not in volatile]
                rows = (await conn.execute(sa.select(*columns))).all()
                found[table.name] = sorted(map(repr, rows))
        return stored, found
    finally:
        await database.close()


def cut(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


async def compared(items: list[Any], size: int, kind: str) -> None:
    one_by_one = await rows_after(cut(items, 1), kind)
    assert await rows_after(cut(items, size), kind) == one_by_one


@given(st.lists(REPORT, min_size=2, max_size=10), st.integers(2, 10))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_batches_of_reports_end_like_one_by_one(items: list[Any], size: int) -> None:
    asyncio.run(compared(items, size, "ocp"))


@given(st.lists(DVO_REPORT, min_size=2, max_size=10), st.integers(2, 10))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_batches_of_workloads_end_like_one_by_one(items: list[Any], size: int) -> None:
    asyncio.run(compared(items, size, "dvo"))
