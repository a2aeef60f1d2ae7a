"""Faults of PostgreSQL itself: ingest pauses, REST answers 503, and no message is rejected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from aggregator.db import tables as t
from tests.integration.faults.backlog import Backlog, backlog
from tests.integration.faults.service_state import (
    answer,
    becomes_paused,
    becomes_ready,
    put,
)
from tests.integration.program import stop
from tests.integration.test_main_job import ORGANIZATION, cluster, count

VOTE = (
    f"clusters/{cluster(7)}/rules/lab_rules.rule_0.report/error_key/KEY_0"
    f"/organizations/{ORGANIZATION}/users/ann/like"
)
CLUSTERS = f"organizations/{ORGANIZATION}/clusters"
RAISE = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '{}'; END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON report FOR EACH ROW EXECUTE FUNCTION fail();
CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON cluster_rule_user_feedback
    FOR EACH ROW EXECUTE FUNCTION fail();
"""
REPAIR = "DROP FUNCTION fail() CASCADE"
# what breaks, what repairs, what readiness says
FAULTS = {
    "corrupt": (RAISE.format("XX001"), REPAIR, "broken (SQLSTATE XX001)"),
    "full": (RAISE.format("53100"), REPAIR, "SQLSTATE 53100"),
    "lost statement": (RAISE.format("26000"), REPAIR, "SQLSTATE 26000"),
    "raised": (RAISE.format("P0001"), REPAIR, "SQLSTATE P0001"),
    "renamed": (
        "ALTER TABLE report RENAME last_checked_at TO other;"
        "ALTER TABLE cluster_rule_user_feedback RENAME user_vote TO other",
        "ALTER TABLE report RENAME other TO last_checked_at;"
        "ALTER TABLE cluster_rule_user_feedback RENAME other TO user_vote",
        "SQLSTATE 42703",
    ),
}


@asynccontextmanager
async def operated(scene: Backlog) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection of an operator."""
    dsn = sa.make_url(str(scene.engine.url.set(drivername="postgresql"))).set(
        password=scene.url.password
    )
    operator = await asyncpg.connect(dsn.render_as_string(hide_password=False))
    try:
        yield operator
    finally:
        await operator.close()


async def test_faults_pause_ingest_and_are_503(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene, operated(scene) as operator:
        program = scene.service()
        process = await program.serve()
        await scene.send(50)
        await scene.consumed()
        for breaks, repairs, reason in FAULTS.values():
            await operator.execute(breaks)
            await scene.send(50)
            assert reason in await becomes_paused(program)
            assert await put(program, VOTE) == 503
            await operator.execute(repairs)
            await becomes_ready(program)
            await scene.consumed()
            assert await put(program, VOTE) == 200
        await scene.assert_accounted_for(program)
        assert await count(scene.engine, t.report) == scene.produced
        assert await stop(process) == 0


async def test_schema_change_and_restarts_are_invisible(tmp_path: Path) -> None:
    """Plans that DDL invalidates, and connections that the server closed: no 503, no pause."""
    async with backlog(tmp_path) as scene, operated(scene) as operator:
        program = scene.service()
        process = await program.serve()
        await scene.send(50)
        await scene.consumed()
        for change in ("text", "varchar(80)", "varchar"):
            for path in (VOTE, VOTE):
                assert await put(program, path) == 200
            assert (await answer(program, CLUSTERS))[0] == 200
            await operator.execute(f"ALTER TABLE report ALTER COLUMN cluster TYPE {change}")
            await scene.send(50)
            assert await put(program, VOTE) == 200
            assert (await answer(program, CLUSTERS))[0] == 200
            await scene.consumed()
            await operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'insights-results-aggregator' "
                "AND datname = current_database() AND state = 'idle'"
            )
            assert await put(program, VOTE) == 200
            assert (await answer(program, CLUSTERS))[0] == 200
            await scene.send(50)
            await scene.consumed()
        assert "paused: database" not in (program.folder / "program.log").read_text()
        await scene.assert_accounted_for(program)
        assert await stop(process) == 0
