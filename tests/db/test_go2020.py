"""Databases of the Go service of 2020, at each of its versions, come to the latest and back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db import tables
from aggregator.db.engine import Database
from aggregator.db.migrations import (
    DVO,
    OCP,
    current,
    migrate,
)
from aggregator.db.reports import SqlReports
from aggregator.errors import MigrationError
from aggregator.model import (
    ClusterId,
    OrgId,
    UserId,
    Vote,
)
from tests.db import catalog
from tests.db.stores import open_store

KINDS = ("postgresql", "sqlite file")
FILES = catalog.GOLDEN / "go2020"
EVERY = pytest.mark.parametrize("version", range(12))
BOTH = pytest.mark.parametrize("kind", KINDS)
FIRST, SECOND, THIRD = (f"{n * 8}-{n * 4}-4{n * 3}-8{n * 3}-{n * 12}" for n in "123")
RULE = "ccx_rules_ocp.external.rules.nodes_requirements_check.report"
KEY = "NODES_MINIMUM_REQUIREMENTS_NOT_MET"
INVALID = '{"OrgID": 1, "broken'


@asynccontextmanager
async def database_of_2020(kind: str, version: int, folder: Path) -> AsyncIterator[AsyncEngine]:
    dump = (FILES / f"{kind.split()[0]}_v{version:02}.sql").read_text()
    async with open_store(kind, folder) as engine:
        if kind == "postgresql":
            # an embedded server is named by the folder of its socket, in the query
            place = engine.url.set(drivername="postgresql")
            place = place.difference_update_query(["prepared_statement_cache_size"])
            connection = await asyncpg.connect(place.render_as_string(hide_password=False))
            await connection.execute(dump)
            await connection.close()
        else:
            with closing(sqlite3.connect(str(engine.url.database))) as connection:
                connection.executescript(dump)
        yield engine


async def rows(engine: AsyncEngine, table: sa.Table, *names: str) -> list[tuple[Any, ...]]:
    columns = [table.c[name] for name in names]
    async with engine.connect() as connection:
        found = (await connection.execute(sa.select(*columns).order_by(*columns))).all()
    return [tuple(row) for row in found]


def stored_times(kind: str) -> dict[str, datetime]:
    """Return when the messages were checked: lib/pq dropped the zone, SQLite kept it."""
    noon = datetime(2020, 7, 20, 12 if kind == "postgresql" else 10)
    return {
        FIRST: datetime(2020, 7, 20, 10, 11, 12, 123456),
        SECOND: noon,
        THIRD: datetime(2020, 7, 21),
    }


async def check_rows(engine: AsyncEngine, kind: str, version: int) -> None:
    """Check that a database at the latest version has what it had in the older one."""
    found = await rows(engine, tables.report, "cluster", "org_id", "last_checked_at")
    times = stored_times(kind)
    expected = [(FIRST, 1, times[FIRST]), (SECOND, 2, times[SECOND]), (THIRD, 2, times[THIRD])]
    assert found == (expected if version >= 1 else [])
    hits = await rows(engine, tables.rule_hit, "cluster_id", "rule_fqdn", "error_key")
    assert hits == ([(FIRST, RULE, KEY), (SECOND, RULE, KEY)] if version >= 1 else [])
    votes = await rows(
        engine,
        tables.cluster_rule_user_feedback,
        "user_id",
        "user_vote",
        "message",
        "error_key",
        "org_id",
    )
    expected_votes = [("ann", 1, "", KEY, "1"), ("bob", -1, "it's wrong: é", KEY, "1")]
    assert votes == (expected_votes if version >= 3 else [])
    errors = await rows(engine, tables.consumer_error, "topic", "topic_offset", "message", "error")
    error = ("ccx.ocp.results", 15, INVALID, "unexpected end of JSON input")
    assert errors == ([error] if version >= 5 else [])
    toggles = await rows(
        engine, tables.cluster_rule_toggle, "cluster_id", "disabled", "error_key", "org_id"
    )
    # of two users' toggles for one rule of a cluster the last one counts
    expected_toggles = [(FIRST, 0, KEY, "1"), (SECOND, 0, KEY, "2")]
    assert toggles == (expected_toggles if version >= 7 else [])
    for table in tables.metadata.sorted_tables:
        async with engine.connect() as connection:
            await connection.execute(sa.select(table))


@BOTH
@EVERY
async def test_a_database_of_2020_comes_to_the_latest_version_and_back_with_its_rows(
    kind: str, version: int, tmp_path: Path
) -> None:
    async with database_of_2020(kind, version, tmp_path) as engine:
        assert await current(engine, OCP) == version
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
        await check_rows(engine, kind, version)
        if version < 3:
            await migrate(engine, OCP, version)
        else:
            # rule content is gone, and feedback refers to it below version 11
            await migrate(engine, OCP, 11)
            with pytest.raises(MigrationError, match="migration 11 down"):
                await migrate(engine, OCP, min(version, 10))
        await migrate(engine, OCP, OCP.latest)
        await check_rows(engine, kind, version)


@BOTH
@pytest.mark.parametrize("version", [1, 7])
async def test_each_step_keeps_the_rows(kind: str, version: int, tmp_path: Path) -> None:
    async with database_of_2020(kind, version, tmp_path) as engine:
        for target in range(version + 1, 11):
            before = await counts(engine)
            await migrate(engine, OCP, target)
            after = await counts(engine)
            assert {name: after[name] for name in before} == before
        for target in range(11, OCP.latest + 1):
            await migrate(engine, OCP, target)
        await migrate(engine, DVO, DVO.latest)
        await check_rows(engine, kind, version)


@BOTH
async def test_it_goes_down_step_by_step_once_there_is_no_feedback(
    kind: str, tmp_path: Path
) -> None:
    async with database_of_2020(kind, 7, tmp_path) as engine:
        await migrate(engine, OCP, OCP.latest)
        async with engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM cluster_rule_user_feedback")
        for target in range(OCP.latest - 1, -1, -1):
            await migrate(engine, OCP, target)
            if target == 1:
                assert (await counts(engine))["report"] == 3


@BOTH
async def test_its_reports_are_read_as_those_of_today(kind: str, tmp_path: Path) -> None:
    async with database_of_2020(kind, 11, tmp_path) as engine:
        await migrate(engine, OCP, OCP.latest)
        reports = SqlReports(Database(engine))
        found = await reports.read(OrgId(1), ClusterId(FIRST), UserId("bob"))
        assert found.last_checked_at == stored_times(kind)[FIRST]
        assert [hit.vote for hit in found.hits] == [Vote.DISLIKE]


async def test_a_time_of_another_kind_stays_as_it_is(tmp_path: Path) -> None:
    times = {
        "0001-01-01 00:00:00+00:00": "0001-01-01 00:00:00.000000",
        "2020-07-22T10:00:00.5Z": "2020-07-22 10:00:00.500000",
        "2020-07-22 23:00:00-05:00": "2020-07-23 04:00:00.000000",
        "2020-07-22": "2020-07-22 00:00:00.000000",
        "0001-01-01 00:00:00+05:00": "0001-01-01 00:00:00+05:00",
        "yesterday": "yesterday",
        None: None,
    }
    async with database_of_2020("sqlite file", 11, tmp_path) as engine:
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            connection.execute("DELETE FROM report")
            connection.executemany(
                "INSERT INTO report VALUES (1, ?, '{}', ?, NULL, 0)",
                [(str(number), time) for number, time in enumerate(times)],
            )
            connection.commit()
            await migrate(engine, OCP, 12)
            found = connection.execute("SELECT reported_at FROM report ORDER BY cluster").fetchall()
    assert [time for (time,) in found] == list(times.values())


async def counts(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda conn: sa.inspect(conn).get_table_names())
        return {
            name: await connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))
            or 0
            for name in names
        }
