"""Reads on a real streaming replica: lag, its loss and return, promotion, PgBouncer before both."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from aggregator.db.engine import open_url
from tests.integration.background import BackgroundTask
from tests.integration.faults.backlog import MESSAGES, backlog
from tests.integration.faults.service_state import answer, becomes_ready, put
from tests.integration.program import Program, stop, until
from tests.integration.servers.pgbouncer import PgBouncerServer
from tests.integration.servers.postgres import PostgresServer
from tests.integration.servers.replica import ReplicaServer
from tests.integration.test_main_job import ORGANIZATION, cluster

CLUSTERS = f"organizations/{ORGANIZATION}/clusters"
STORAGES = ("OCP_RECOMMENDATIONS_STORAGE", "DVO_RECOMMENDATIONS_STORAGE")


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture
def replica(primary: PostgresServer) -> Iterator[ReplicaServer]:
    with ReplicaServer(primary) as found:
        yield found


def hosts(primary: str, replica: str) -> dict[str, str]:
    """Return the options that name the hosts for writes and for reads."""
    return {
        f"{storage}__{option}": host
        for storage in STORAGES
        for option, host in (("PG_HOST", primary), ("PG_READ_HOST", replica))
    }


async def clusters(program: Program) -> int:
    """Return how many clusters are read over REST."""
    return len((await program.get(CLUSTERS))["clusters"])


async def read(program: Program, number: int) -> None:
    """Wait until this number of clusters is read over REST."""

    async def all_of_them() -> bool:
        return await clusters(program) == number

    await until(all_of_them, 30)


async def query(server: PostgresServer, statement: str) -> Any:
    """Return the first value of a statement that an operator runs on the server."""
    connection = await asyncpg.connect(
        host=server.address, port=server.port, user="postgres", database="postgres"
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def sessions(server: PostgresServer) -> int:
    """Return how many sessions the service has with the server."""
    return int(
        await query(
            server,
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'insights-results-aggregator'",
        )
    )


def vote(number: int) -> str:
    return (
        f"clusters/{cluster(number)}/rules/lab_rules.rule_0.report/error_key/KEY_0"
        f"/organizations/{ORGANIZATION}/users/ann/like"
    )


def log_of(program: Program) -> str:
    return (program.folder / "program.log").read_text()


class Reads(BackgroundTask):
    """Requests one after the other while servers come and go, with their statuses."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.statuses: Counter[int] = Counter()

    async def more(self, number: int) -> None:
        """Wait until this many further requests are answered."""
        wanted = self.statuses.total() + number

        async def answered() -> bool:
            return self.statuses.total() >= wanted

        await until(answered, 30)

    async def _run(self) -> None:
        while True:
            status, _text = await answer(self._program, CLUSTERS)
            self.statuses[status] += 1


async def test_reads_come_from_the_replica_with_its_lag(
    tmp_path: Path, primary: PostgresServer, replica: ReplicaServer
) -> None:
    async with backlog(tmp_path, postgres=primary.url) as scene:
        program = scene.service()
        process = await program.serve(**hosts(primary.address, replica.address))
        await scene.send(100)
        await read(program, 100)
        assert await sessions(replica) > 0

        await query(replica, "SELECT pg_wal_replay_pause()")
        await scene.send(50)
        await scene.consumed()
        assert await put(program, vote(1)) == 200
        assert await clusters(program) == 100
        await query(replica, "SELECT pg_wal_replay_resume()")
        await read(program, 150)
        assert await stop(process) == 0
        assert "Traceback" not in log_of(program)


async def test_reads_go_to_the_primary_while_the_replica_is_gone(
    tmp_path: Path, primary: PostgresServer, replica: ReplicaServer
) -> None:
    async with backlog(tmp_path, postgres=primary.url) as scene:
        program = scene.service()
        process = await program.serve(
            **hosts(primary.address, replica.address), SERVER__WORKERS="1"
        )
        await scene.send(100)
        await read(program, 100)
        async with Reads(program) as reads:
            replica.stop("immediate")
            await reads.more(50)
            await scene.send(50)
            await scene.consumed()
            await read(program, 150)
            replica.start()

            async def read_again() -> bool:
                return await sessions(replica) > 0

            await until(read_again, 30)
            await reads.more(10)
        assert set(reads.statuses) == {200}
        assert await stop(process) == 0
        log = log_of(program)
        assert log.count("reads go to the primary") == log.count("to the read replica again") == 1
        assert "Traceback" not in log


async def test_a_service_starts_without_its_replica(
    tmp_path: Path, primary: PostgresServer, replica: ReplicaServer
) -> None:
    replica.stop()
    async with backlog(tmp_path, postgres=primary.url) as scene:
        program = scene.service()
        process = await program.serve(**hosts(primary.address, replica.address))
        await scene.send(100)
        await read(program, 100)
        assert await stop(process) == 0


async def test_nothing_is_lost_when_a_synchronous_replica_is_promoted(
    tmp_path: Path, primary: PostgresServer, replica: ReplicaServer
) -> None:
    await query(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
    await query(primary, "SELECT pg_reload_conf()")
    async with backlog(tmp_path, postgres=primary.url) as scene:
        program = scene.service()
        both = f"{primary.address},{replica.address}"
        params = {f"{one}__PG_PARAMS": "target_session_attrs=read-write" for one in STORAGES}
        process = await program.serve(**hosts(both, both), **params)
        filling = asyncio.create_task(scene.fill())
        await scene.begun()
        primary.stop("immediate")
        replica.promote()
        await filling
        await scene.consumed()
        await becomes_ready(program)
        assert await put(program, vote(1)) == 200
        assert await clusters(program) == MESSAGES // 2
        assert await stop(process) == 0

        former, scene.engine = scene.engine, open_url(scene.url.set(host=replica.address))
        await scene.assert_newest_stored()
        assert await scene.letters() == []
        await scene.engine.dispose()
        # the scene drops its database on the server on which it created it
        replica.stop()
        primary.start()
        await query(primary, "ALTER SYSTEM RESET synchronous_standby_names")
        await query(primary, "SELECT pg_reload_conf()")
        scene.engine = former


async def test_pgbouncer_stands_before_both(
    tmp_path: Path, primary: PostgresServer, replica: ReplicaServer
) -> None:
    with (
        PgBouncerServer(primary.url) as front,
        PgBouncerServer(replica.url, address=replica.address, port=front.port),
    ):
        async with backlog(tmp_path, postgres=primary.url) as scene:
            scene.url = front.url(scene.url.database or "")
            program = scene.service()
            process = await program.serve(**hosts(front.address, replica.address))
            await scene.send(100)
            await read(program, 100)
            async with Reads(program) as reads:
                replica.stop("immediate")
                await reads.more(20)
                replica.start()
                await reads.more(20)
            assert set(reads.statuses) == {200}
            assert await put(program, vote(1)) == 200
            assert await stop(process) == 0
