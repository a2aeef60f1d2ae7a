"""Connections are lent, given back, and replaced when something is wrong with them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from aggregator.db import pool, session
from aggregator.db.engine import Database
from aggregator.errors import RecordRejected, Unavailable, UnsupportedServer
from tests.databases import postgres_server_url

PID = "SELECT pg_backend_pid()"


class Lent:
    """A database with a pool, and what the server says of its connections."""

    def __init__(self, database: Database, watcher: Any, name: str) -> None:
        self.database = database
        self.watcher = watcher
        self._name = name

    async def value(self, text: str, **values: Any) -> Any:
        """Return the first value of the first row of a single statement."""
        return (await self.database.rows(sa.text(text), values))[0][0]

    async def written(self, text: str, **values: Any) -> Any:
        """Return the first value of a statement in a transaction."""

        async def work(conn: Any) -> Any:
            return await conn.scalar(sa.text(text), values)

        return await self.database.transaction(work)

    async def states(self) -> list[str]:
        """Return what the server's processes of these connections do."""
        rows = await self.watcher.fetch(
            "SELECT state FROM pg_stat_activity WHERE application_name = $1", self._name
        )
        return [row["state"] for row in rows]

    async def end(self, pid: int) -> None:
        """Let the server end a connection."""
        await self.watcher.fetch("SELECT pg_terminate_backend($1)", pid)

    async def settled(self, *states: str) -> None:
        """Wait until the server's processes are in these states."""
        async with asyncio.timeout(10):
            while sorted(await self.states()) != sorted(states):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def lent(size: int, limit: float | None = None) -> AsyncIterator[Lent]:
    location = sa.make_url(postgres_server_url())
    dsn = location.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"test-{uuid.uuid4().hex[:8]}"
    watcher = await asyncpg.connect(dsn)

    async def opener(**where: Any) -> Any:
        where["server_settings"] = {"application_name": name}
        return await asyncpg.connect(**where)

    engine = pool.postgresql_engine(location, size, limit, opener)
    database = Database(engine)
    try:
        yield Lent(database, watcher, name)
    finally:
        await database.close()
        await watcher.close()


async def test_there_are_no_more_connections_than_are_needed_and_allowed() -> None:
    async with lent(2) as it:
        assert len({await it.value(PID) for _ in range(5)}) == 1
        slow = "SELECT pg_backend_pid() FROM pg_sleep(0.05)"
        assert len(set(await asyncio.gather(*(it.value(slow) for _ in range(6))))) == 2


async def test_a_statement_that_fails_leaves_the_connection_as_it_is() -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        with pytest.raises(RecordRejected, match="division by zero"):
            await it.value("SELECT 1 / CAST(:value AS integer)", value=0)
        with pytest.raises(RecordRejected, match="invalid input"):
            await it.value("SELECT CAST(:value AS integer)", value="no number")
        assert await it.value(PID) == pid


async def test_a_statement_that_is_cancelled_ends_at_the_server_and_holds_up_nobody() -> None:
    async with lent(1) as it:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await it.value("SELECT pg_sleep(60)")
        began = time.monotonic()
        assert await it.value("SELECT 7") == 7
        assert time.monotonic() - began < 5
        await it.settled("idle")


async def test_a_connection_that_the_server_has_cut_is_replaced() -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        await it.end(pid)
        await it.settled()
        assert await it.value(PID) != pid


@pytest.mark.parametrize("way", ["value", "written"])
async def test_statement_runs_again_when_its_connection_was_lost(way: str) -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        # the first backend ends itself, the second one answers
        ends = f"CASE WHEN {pid} = pg_backend_pid() THEN pg_terminate_backend({pid}) END"
        assert await getattr(it, way)(f"SELECT coalesce(CAST({ends} AS text), 'answered')") == (
            "answered"
        )
        assert await it.value(PID) != pid


async def test_connection_lost_twice_is_an_error() -> None:
    async with lent(1) as it:
        for way in (it.value, it.written):
            with pytest.raises(Unavailable, match="administrator command"):
                await way("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await it.value("SELECT 7") == 7


async def test_nobody_waits_for_a_connection_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.05)
    async with lent(1) as it:
        busy = asyncio.ensure_future(it.value("SELECT 1 FROM pg_sleep(0.5)"))
        await it.settled("active")
        with pytest.raises(Unavailable, match="no connection is free"):
            await it.value(PID)
        assert await busy == 1
        assert await it.value("SELECT 7") == 7


async def no_answer(_: object) -> None:
    """Answer as a silent server does."""
    raise TimeoutError


async def test_idle_connection_is_checked_before_it_is_lent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        monkeypatch.setattr(pool, "IDLE_CHECK_SECONDS", -1)
        with monkeypatch.context() as silent:
            silent.setattr(session, "ping", no_answer)
            assert await it.value(PID) != pid
        pid = await it.value(PID)
        assert await it.value(PID) == pid
        await it.settled("idle")


async def test_connections_idle_since_before_a_stall_are_replaced_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    async def silent(connection: Any) -> None:
        asked.append(connection)
        raise TimeoutError

    async with lent(3) as it:
        slow = "SELECT pg_backend_pid() FROM pg_sleep(0.05)"
        before = set(await asyncio.gather(*(it.value(slow) for _ in range(3))))
        assert len(before) == 3
        monkeypatch.setattr(pool, "IDLE_CHECK_SECONDS", -1)
        with monkeypatch.context() as stalled:
            stalled.setattr(session, "ping", silent)
            assert await it.value(PID) not in before
        after = await asyncio.gather(*(it.value(slow) for _ in range(3)))
        assert len(asked) == 1
        assert not before & set(after)
        await it.settled("idle", "idle", "idle")


async def test_old_connection_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RECYCLE_SECONDS", 0)
    async with lent(1) as it:
        assert await it.value(PID) != await it.value(PID)
        await it.settled("idle")


async def test_single_statements_and_transactions_share_the_connections() -> None:
    async with lent(2) as it:
        slow = "SELECT pg_backend_pid() FROM pg_sleep(0.05)"
        ways = (it.value, it.written) * 4
        assert len(set(await asyncio.gather(*(way(slow) for way in ways)))) == 2
        assert len(await it.states()) == 2


@pytest.mark.parametrize("way", ["value", "written"])
async def test_statement_has_a_time_limit_that_grows(way: str) -> None:
    async with lent(1, limit=0.2) as it:
        with pytest.raises(Unavailable, match="no answer in time"):
            await getattr(it, way)("SELECT pg_sleep(0.3)")
        # a slow server is given more time, so that the same work succeeds in the end
        assert await getattr(it, way)("SELECT 7 FROM pg_sleep(0.3)") == 7
        await it.settled("idle")


@pytest.mark.parametrize("way", ["value", "written"])
async def test_read_only_connections_are_replaced(way: str) -> None:
    async with lent(2) as it:
        # as those that a failover leaves
        read_only = sa.text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        await asyncio.gather(*(it.database.run(read_only, {}) for _ in range(2)))
        name = f"sequence_{uuid.uuid4().hex}"
        await it.watcher.execute(f"CREATE SEQUENCE {name}")
        try:
            assert await getattr(it, way)("SELECT nextval(CAST(:name AS text))", name=name) == 1
        finally:
            await it.watcher.execute(f"DROP SEQUENCE {name}")
        for _ in range(3):
            assert await getattr(it, way)("SHOW transaction_read_only") == "off"


async def test_at_the_end_no_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "CLOSE_SECONDS", 0.1)
    async with lent(2) as it:
        await it.value(PID)
        late = asyncio.ensure_future(it.value("SELECT 1 FROM pg_sleep(0.5)"))
        await it.settled("active")
        await it.database.close()
        assert await late == 1
        await it.settled()


async def test_what_is_closed_already_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "CLOSE_SECONDS", 60)
    async with lent(2) as it:
        await it.value(PID)
        async with asyncio.timeout(10):
            await it.database.close()
            await it.database.close()
        await it.settled()


async def test_server_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "OLDEST_VERSION", 99)
    async with lent(1) as it:
        for way in (it.value, it.written):
            with pytest.raises(UnsupportedServer, match=r"PostgreSQL \d+\.\d+ is too old, 99 is"):
                await way("SELECT 1")
