"""PostgreSQL is unavailable while the service starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.faults.service_state import answer
from tests.integration.program import Program, stop, until
from tests.integration.servers.postgres import PostgresServer

NO_BROKER = {"BROKER__ENABLED": "false"}
BOTH = {"STORAGE_BACKEND__USE": "ocp_recommendations,dvo_recommendations"}


def program_on(server: PostgresServer, folder: Path) -> Program:
    return Program(folder, "localhost:1", "unused", sa.make_url(server.url))


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_service_waits_for_the_database(tmp_path: Path, workers: str) -> None:
    with PostgresServer() as server:
        program = program_on(server, tmp_path)
        assert await program.run("migration", "latest", **BOTH) == 0
        await asyncio.to_thread(server.stop)
        process = await program.serve(SERVER__WORKERS=workers, **NO_BROKER)
        assert (await answer(program, "/livez"))[0] == 200
        status, text = await answer(program, "/readyz")
        assert status == 503
        assert f"127.0.0.1:{server.port}" in text
        assert (await answer(program, "organizations"))[0] == 503
        await asyncio.to_thread(server.start)

        async def ready() -> bool:
            return (await answer(program, "/readyz"))[0] == 200

        await until(ready, 60)
        assert (await answer(program, "organizations"))[0] == 200

        async def versions_read() -> bool:
            return '"OCP_DB_version":"32"' in (await answer(program, "info"))[1]

        await until(versions_read, 60)
        assert await stop(process) == 0
        log = (tmp_path / "program.log").read_text()
        assert log.count("waiting for the database: ") == 1


async def test_a_waiting_service_can_be_stopped(tmp_path: Path) -> None:
    with PostgresServer() as server:
        program = program_on(server, tmp_path)
        await asyncio.to_thread(server.stop)
        process = await program.serve(**NO_BROKER)
        assert await stop(process) == 0


async def test_an_old_schema_ends_a_waiting_service(tmp_path: Path) -> None:
    with PostgresServer() as server:
        program = program_on(server, tmp_path)
        assert await program.run("migration", "31") == 0
        await asyncio.to_thread(server.stop)
        process = await program.serve(**NO_BROKER)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(60):
            assert await process.wait() == 2
        log = (tmp_path / "program.log").read_text()
        assert "OCP schema: old DB migration version (current: 31, latest: 32)" in log
        assert "database preparation exited with error code 2" in log
