"""Everything works behind PgBouncer in transaction mode, and leaves nothing in its sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from aggregator.db import tables as t
from aggregator.db.engine import Database, open_url
from tests.databases import fresh_database, postgres_server_url
from tests.integration.faults.backlog import backlog
from tests.integration.faults.service_state import answer, put
from tests.integration.program import stop
from tests.integration.servers.pgbouncer import PgBouncerServer
from tests.integration.test_main_job import ORGANIZATION, cluster, count


@pytest.fixture(scope="module")
def pgbouncer() -> Iterator[PgBouncerServer]:
    """Give a PgBouncer before the shared server."""
    with PgBouncerServer(postgres_server_url()) as found:
        yield found


@asynccontextmanager
async def behind(pgbouncer: PgBouncerServer) -> AsyncIterator[sa.URL]:
    """Give the URL of an empty database behind it."""
    async with fresh_database() as url:
        yield pgbouncer.url(sa.make_url(url).database or "")


async def sessions(url: sa.URL) -> list[Any]:
    """Return what is left in all of the sessions that PgBouncer has with the server."""
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    clients = [await asyncpg.connect(dsn, statement_cache_size=0) for _ in range(3)]
    found = []
    for client in clients:
        # a transaction each, so that each has a session of its own
        await client.execute("BEGIN")
    for client in clients:
        found += await client.fetch(
            "SELECT name, current_setting('default_toast_compression') AS compression, "
            "current_setting('TimeZone') AS zone FROM pg_prepared_statements "
            "FULL JOIN (SELECT 1) AS one ON false"
        )
    for client in clients:
        await client.execute("COMMIT")
        await client.close()
    return found


async def test_program_works_behind_it(tmp_path: Path, pgbouncer: PgBouncerServer) -> None:
    async with backlog(tmp_path) as scene:
        scene.url = pgbouncer.url(scene.url.database or "")
        program = scene.service()
        for version in ("0", "latest"):
            assert await program.run("migration", version) == 0
        process = await program.serve()
        await scene.send(200)
        await scene.consumed()
        reads = [
            f"organizations/{ORGANIZATION}/clusters",
            f"organizations/{ORGANIZATION}/clusters/{cluster(7)}/users/ann/report",
        ]
        vote = (
            f"clusters/{cluster(7)}/rules/lab_rules.rule_0.report/error_key/KEY_0"
            f"/organizations/{ORGANIZATION}/users/ann/like"
        )
        assert {await put(program, vote) for _ in range(5)} == {200}
        found = await asyncio.gather(*(answer(program, path) for path in reads * 10))
        assert {status for status, _ in found} == {200}
        await scene.assert_accounted_for(program)
        assert await program.run("cleanup", "--older-than", "1d", "--apply") == 0
        assert await stop(process) == 0
        assert await count(scene.engine, t.consumer_error) == 0
        left = await sessions(scene.url)
        assert {(row["name"], row["compression"]) for row in left} == {(None, "pglz")}
        log = (program.folder / "program.log").read_text()
        assert "Traceback" not in log


async def test_many_clients_share_few_sessions(pgbouncer: PgBouncerServer) -> None:
    async with behind(pgbouncer) as url:
        databases = [Database(open_url(url, pool_size=3)) for _ in range(4)]
        own = {
            number: sa.text(f"SELECT {number} AS number, CAST(:x AS text) AS x")
            for number in range(30)
        }

        async def read(database: Database, number: int) -> None:
            rows = await database.rows(own[number], {"x": str(number)})
            assert (rows[0].number, rows[0].x) == (number, str(number))

        async def write(database: Database, number: int) -> None:
            async def work(conn: Any) -> None:
                for _ in range(3):
                    row = (await conn.execute(own[number], {"x": str(number)})).one()
                    assert (row.number, row.x) == (number, str(number))

            await database.transaction(work)

        await asyncio.gather(
            *(
                step(database, number)
                for number in own
                for database in databases
                for step in (read, write)
            )
        )
        await asyncio.gather(*(database.close() for database in databases))
