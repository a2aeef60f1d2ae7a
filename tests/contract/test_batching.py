"""Any way to cut a sequence of reports into batches leaves the rows of one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.db import tables as t
from aggregator.db.engine import Database, open_url
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
from tests.db.stores import migrated_store

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
SITTINGS = 3
TABLES = {
    "ocp": (t.report, t.rule_hit, t.recommendation, t.report_info),
    "dvo": (t.dvo_report,),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a migrated database, which is emptied before each use."""
    with migrated_store(request.param) as url:
        yield url


async def rows_after(url: str, kind: str, sittings: Sequence[Sequence[Sequence[Any]]]) -> Any:
    """Return what `store` answered and all rows, when each sitting is an hour after the last."""
    engine = open_url(url)
    database = Database(engine)
    now = datetime(2026, 2, 1)
    storage = SqlReports(database, lambda: now) if kind == "ocp" else SqlDvo(database)
    stored = []
    found = {}
    try:
        async with engine.begin() as conn:
            for table in TABLES[kind]:
                await conn.execute(sa.delete(table))
        for batches in sittings:
            now += timedelta(hours=1)
            stored += [one for batch in batches for one in await storage.store(batch)]
        async with engine.connect() as conn:
            for table in TABLES[kind]:
                rows = (await conn.execute(sa.select(table))).all()
                found[table.name] = sorted(map(repr, rows))
        return stored, found
    finally:
        await database.close()


def cut(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


async def compared(url: str, kind: str, sittings: list[list[Any]], size: int) -> None:
    one_by_one = await rows_after(url, kind, [cut(items, 1) for items in sittings])
    batches = await rows_after(url, kind, [cut(items, size) for items in sittings])
    assert batches == one_by_one


def sequences(report: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[Any]]]:
    return st.lists(st.lists(report, min_size=1, max_size=8), min_size=1, max_size=SITTINGS)


@given(sequences(REPORT), st.integers(2, 8))
@settings(max_examples=40)
def test_batches_of_reports_end_like_one_by_one(
    location: str, sittings: list[list[Any]], size: int
) -> None:
    asyncio.run(compared(location, "ocp", sittings, size))


@given(sequences(DVO_REPORT), st.integers(2, 8))
@settings(max_examples=40)
def test_batches_of_workloads_end_like_one_by_one(
    location: str, sittings: list[list[Any]], size: int
) -> None:
    asyncio.run(compared(location, "dvo", sittings, size))


def test_created_at_is_kept_by_a_hit_that_stays_not_by_one_that_reappears(
    location: str,
) -> None:
    def report(hour: int, *hits: Hit) -> Report:
        checked = datetime(2026, 1, 1) + timedelta(hours=hour)
        return Report(OrgId(1), ClusterId("c1"), "{}", hits, checked)

    stays = Hit(RuleId("a.one.report"), ErrorKey("K"), "{}")
    returns = Hit(RuleId("a.two.report"), ErrorKey("K"), "{}")
    first, second = [report(1, stays, returns)], [report(2, stays), report(3, stays, returns)]

    _, found = asyncio.run(rows_after(location, "ocp", [[first], [second]]))

    born = {row.split("'")[3]: "2, 1, 1, 0" in row for row in found["rule_hit"]}
    assert born == {"a.one.report": True, "a.two.report": False}
