"""A table partitioned by hash with the statements of docs/scaling.md, under ingest and cleanup."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from aggregator.db import tables as t
from tests.integration.faults.backlog import MESSAGES, backlog
from tests.integration.faults.service_state import put
from tests.integration.program import stop
from tests.integration.test_main_job import ORGANIZATION, cluster, count

GUIDE = Path(__file__).parents[2] / "docs" / "scaling.md"


def statements() -> str:
    (found,) = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


async def execute(url: sa.URL, text: str) -> None:
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(text)
    finally:
        await connection.close()


async def test_a_partitioned_table_is_read_written_and_cleaned_up(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        program = scene.service()
        process = await program.serve()
        await scene.send(200)
        await scene.consumed()
        path = f"organizations/{ORGANIZATION}/clusters/{cluster(7)}/users/ann/report"
        before = await program.get(path)
        assert before["report"]["meta"]["count"] == 3
        assert await stop(process) == 0

        await execute(scene.url, statements())
        process = await program.serve()
        assert await program.get(path) == before
        scene.produced = 0
        await scene.fill()
        scene.produced += 200
        await scene.consumed()
        await scene.assert_newest_stored()
        vote = (
            f"clusters/{cluster(7)}/rules/lab_rules.rule_0.report/error_key/KEY_0"
            f"/organizations/{ORGANIZATION}/users/ann/like"
        )
        assert await put(program, vote) == 200
        async with scene.engine.connect() as conn:
            rows = await conn.execute(
                sa.text("SELECT count(*) FROM partitions.rule_hit_0 GROUP BY tableoid")
            )
            assert 0 < rows.scalar_one() < 3 * MESSAGES // 2
        await execute(scene.url, "UPDATE report SET reported_at = reported_at - interval '2 days'")
        assert await program.run("cleanup", "--older-than", "1d", "--apply") == 0
        assert await count(scene.engine, t.rule_hit) == 0
        assert await stop(process) == 0
        assert "Traceback" not in (program.folder / "program.log").read_text()
