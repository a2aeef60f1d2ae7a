"""Rows: what the steps make of them, and that nothing is half done when a step fails."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from aggregator.db import tables
from aggregator.db.migrations import (
    DVO,
    OCP,
    current,
    migrate,
)
from aggregator.errors import MigrationError
from tests.db import catalog
from tests.db.stores import KINDS, open_store

STORES = pytest.mark.parametrize("kind", KINDS)
RUN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
DAY = re.compile(r"(?<=\|)(\d{4}-\d\d-\d\d)(?=\||$)")
TODAY = datetime(2021, 1, 1)
CLUSTER = "11111111-1111-1111-1111-111111111111"

ADDED_AT_19 = """
INSERT INTO advisor_ratings
    (user_id, org_id, rule_id, error_key, rated_at, last_updated_at, rating)
    VALUES ('u', '1', 'a.b', 'K', '2021-01-01', '2021-01-01', 1);
INSERT INTO rule_disable
    VALUES ('1', 'u', 'a.b', 'K', 'just', '2021-01-01', NULL)
"""
REPORT = "INSERT INTO report (org_id, cluster, report, reported_at, last_checked_at) VALUES"
FEEDBACK = (
    "INSERT INTO cluster_rule_user_feedback"
    " (cluster_id, rule_id, user_id, message, user_vote, added_at, updated_at) VALUES"
)


async def execute(engine: AsyncEngine, script: str) -> None:
    """Run the statements of a script."""
    async with engine.begin() as connection:
        for statement in re.split(r";\n", script.strip().removesuffix(";")):
            await connection.exec_driver_sql(statement)


async def insert(engine: AsyncEngine, name: str, **values: object) -> None:
    """Insert a row."""
    schema, _, name = name.rpartition(".")
    columns: list[sa.Column[Any]] = [
        sa.Column(column, sa.DateTime() if isinstance(value, datetime) else None)
        for column, value in values.items()
    ]
    target = sa.Table(name, sa.MetaData(), *columns, schema=schema or None)
    async with engine.begin() as connection:
        await connection.execute(sa.insert(target).values(values))


async def rows(engine: AsyncEngine, query: str) -> list[tuple[object, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.exec_driver_sql(query)]


async def state(engine: AsyncEngine) -> dict[str, list[str]]:
    """Return header and sorted rows of each table but report, as in the golden texts."""
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda c: sa.inspect(c).get_table_names())
        return {name: await table(connection, name) for name in names if name != "report"}


async def table(connection: AsyncConnection, name: str) -> list[str]:
    result = await connection.exec_driver_sql(f"SELECT * FROM {name}")  # noqa: S608
    header = "|".join(result.keys())
    lines = ["|".join("" if value is None else str(value) for value in row) for row in result]
    # SQLite gives times as they were written, so some of them are days
    return [header, *sorted(RUN_TIME.sub("now", DAY.sub(r"\1 00:00:00", line)) for line in lines)]


def golden_state(version: int) -> dict[str, list[str]]:
    """Return what the Go service made of the same rows."""
    text = (catalog.GOLDEN / f"state_v{version}.txt").read_text()
    found = {}
    for part in text.split("== ")[1:]:
        name, header, *lines = part.splitlines()
        found[name] = [header, *sorted(RUN_TIME.sub("now", line) for line in lines[:-1])]
    return found


@STORES
async def test_rows_become_what_the_reference_makes_of_them(kind: str, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 12)
        await execute(engine, (catalog.GOLDEN / "data_at_v12.sql").read_text())
        for version in (13, 15, 16, 19, 20, 31, 32):
            await migrate(engine, OCP, version)
            assert await state(engine) == golden_state(version), version
            if version == 19:
                await execute(engine, ADDED_AT_19)


@STORES
async def test_rows_survive_the_way_down_and_up_again(kind: str, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 12)
        await execute(engine, (catalog.GOLDEN / "data_at_v12.sql").read_text())
        await migrate(engine, OCP, 19)
        await execute(engine, ADDED_AT_19)
        await migrate(engine, OCP, 32)
        await migrate(engine, OCP, 12)
        # the user ids are gone, and what has no error key any more
        assert await rows(engine, "SELECT user_id, disabled FROM cluster_rule_toggle") == [
            ("-1", 1)
        ]
        assert len(await rows(engine, "SELECT * FROM cluster_rule_user_feedback")) == 2
        await migrate(engine, OCP, 32)
        assert len(await rows(engine, "SELECT * FROM report")) == 2
        expected = golden_state(32) | {"rule_disable": golden_state(32)["rule_disable"][:1]}
        assert await state(engine) == expected


@STORES
@pytest.mark.parametrize(
    ("hit", "stored"),
    [
        ({"component": "a.report", "key": "K", "details": "text"}, ("a.report", "K", "text")),
        ({"component": "a", "key": "K", "details": [1, "é"]}, ("a", "K", '[1,"é"]')),
        ({"component": "a", "key": "K", "details": None}, ("a", "K", "null")),
        ({"component": "a", "key": "K", "details": "\ud800"}, ("a", "K", "\ufffd")),
        ({}, ("", "", "null")),
    ],
)
async def test_rule_hits_are_taken_out_of_reports(
    kind: str, hit: dict[str, object], stored: tuple[str, ...], tmp_path: Path
) -> None:
    report = json.dumps({"reports": [hit, hit]})
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 12)
        await execute(engine, f"{REPORT} (1, '{CLUSTER}', '{report}', NULL, NULL)")
        await migrate(engine, OCP, 13)
        found = await rows(engine, "SELECT rule_fqdn, error_key, template_data FROM rule_hit")
        assert found == [stored]


async def test_rule_hits_are_taken_out_of_more_reports_than_are_read_at_once(
    tmp_path: Path,
) -> None:
    report = json.dumps({"reports": [{"component": "a.report", "key": "K", "details": 1}]})
    values = ", ".join(f"(1, 'cluster {n:04}', '{report}', NULL, NULL)" for n in range(250))
    async with open_store("sqlite in memory", tmp_path) as engine:
        await migrate(engine, OCP, 12)
        await execute(engine, f"{REPORT} {values}")
        await migrate(engine, OCP, 13)
        assert await rows(engine, "SELECT count(DISTINCT cluster_id) FROM rule_hit") == [(250,)]


@STORES
@pytest.mark.parametrize("report", ["not JSON", "[]", '{"reports": [1]}', '{"reports": 1}'])
async def test_a_report_that_cannot_be_read_stops_all_steps(
    kind: str, report: str, tmp_path: Path
) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 3)
        await execute(engine, f"{REPORT} (1, '{CLUSTER}', '{report}', NULL, NULL)")
        text = f"^ocp migration 13 up: report of cluster {CLUSTER} cannot be read: "
        with pytest.raises(MigrationError, match=text):
            await migrate(engine, OCP, 32)
        assert await current(engine, OCP) == 3
        if kind == "postgresql":
            async with engine.connect() as connection:
                found = await connection.run_sync(catalog.read, "public")
            assert found == catalog.golden("ocp")[3]
        await execute(engine, "DELETE FROM report")
        await migrate(engine, OCP, 32)
        assert await current(engine, OCP) == 32


@STORES
async def test_rule_content_does_not_come_back_below_feedback(kind: str, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 11)
        await execute(engine, f"{REPORT} (1, '{CLUSTER}', '{{}}', NULL, NULL)")
        await execute(
            engine, f"{FEEDBACK} ('{CLUSTER}', 'r', 'u', '', 1, '2021-01-01', '2021-01-01')"
        )
        text = r"^ocp migration 11 down: .*(?i:foreign key constraint)"
        with pytest.raises(MigrationError, match=text):
            await migrate(engine, OCP, 5)
        assert await current(engine, OCP) == 11
        assert len(await rows(engine, "SELECT * FROM cluster_rule_user_feedback")) == 1


@STORES
async def test_a_rule_that_several_users_disabled_stops_step_28(kind: str, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 27)
        for user in ("u1", "u2"):
            await insert(
                engine,
                "rule_disable",
                org_id="1",
                user_id=user,
                rule_id="r",
                error_key="K",
                created_at=TODAY,
            )
        with pytest.raises(MigrationError, match=r"^ocp migration 28 up: "):
            await migrate(engine, OCP, 32)
        assert await current(engine, OCP) == 27
        assert len(await rows(engine, "SELECT * FROM rule_disable")) == 2


@STORES
async def test_votes_go_with_their_report_after_all_rebuilds(kind: str, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 32)
        await execute(engine, f"{REPORT} (1, '{CLUSTER}', '{{}}', NULL, NULL)")
        vote = f"{FEEDBACK} ('{CLUSTER}', 'r', 'u', '', 1, '2021-01-01', '2021-01-01')"
        await execute(engine, vote)
        await execute(engine, "DELETE FROM report")
        assert await rows(engine, "SELECT * FROM cluster_rule_user_feedback") == []
        with pytest.raises(sa.exc.IntegrityError):
            await execute(engine, vote)


@STORES
async def test_offsets_beyond_32_bits_are_stored_until_the_schema_is_older(
    kind: str, tmp_path: Path
) -> None:
    offset = 2**40
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 32)
        await insert(
            engine,
            "consumer_error",
            topic="t",
            partition=0,
            topic_offset=offset,
            produced_at=TODAY,
            consumed_at=TODAY,
            error="e",
        )
        assert await rows(engine, "SELECT topic_offset FROM consumer_error") == [(offset,)]
        if kind == "postgresql":
            with pytest.raises(MigrationError, match="integer out of range"):
                await migrate(engine, OCP, 31)
            assert await current(engine, OCP) == 32


@STORES
async def test_the_log_counts_the_deleted_rows(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "aggregator.db.migrations")
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, OCP, 12)
        await execute(engine, (catalog.GOLDEN / "data_at_v12.sql").read_text())
        await migrate(engine, OCP, 26)
        caplog.clear()
        await migrate(engine, OCP, 27)
        assert caplog.messages == [
            "deleted 1 rows from table cluster_rule_toggle",
            "deleted 0 rows from table cluster_rule_user_feedback",
            "deleted 0 rows from table cluster_user_rule_disable_feedback",
        ]
        await migrate(engine, OCP, 31)
        caplog.clear()
        await migrate(engine, OCP, 32)
        assert caplog.messages == ["deleted 1 rows from table cluster_rule_toggle"]


@STORES
async def test_workloads_checked_before_the_day_go(kind: str, tmp_path: Path) -> None:
    times = {
        "before": datetime(2024, 3, 8, 23, 59, 59),
        "then": datetime(2024, 3, 9),
        "after": datetime(2024, 3, 9, 0, 0, 1),
        "never": None,
    }
    async with open_store(kind, tmp_path) as engine:
        await migrate(engine, DVO, 2)
        for namespace, checked in times.items():
            await insert(
                engine,
                "dvo.dvo_report",
                org_id=1,
                cluster_id="c",
                namespace_id=namespace,
                recommendations=0,
                objects=0,
                last_checked_at=checked,
            )
        await migrate(engine, DVO, 4)
        async with engine.connect() as connection:
            columns = (tables.dvo_report.c.namespace_id, tables.dvo_report.c.rule_hits_count)
            found = (await connection.execute(sa.select(*columns))).all()
        assert sorted(map(tuple, found), key=str) == [("after", {}), ("never", {})]
