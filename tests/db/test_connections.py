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

from aggregator.db import connections
from aggregator.db.connections import Connections
from tests.databases import postgres_server_url

PID = "SELECT pg_backend_pid()"


class Lent:
    """Connections to a server, and what it says of them."""

    def __init__(self, connections: Connections, watcher: Any, name: str) -> None:
        self.connections = connections
        self._watcher = watcher
        self._name = name

    async def value(self, text: str, *values: Any) -> Any:
        """Return the first value of the first row."""
        rows = await self.connections.fetch(text, values, asyncpg.Record)
        return rows[0][0]

    async def states(self) -> list[str]:
        """Return what the server's processes of these connections do."""
        rows = await self._watcher.fetch(
            "SELECT state FROM pg_stat_activity WHERE application_name = $1", self._name
        )
        return [row["state"] for row in rows]

    async def end(self, pid: int) -> None:
        """Let the server cut a connection."""
        await self._watcher.fetch("SELECT pg_terminate_backend($1)", pid)

    async def settled(self, *states: str) -> None:
        """Wait until the server's processes are in these states."""
        async with asyncio.timeout(10):
            while sorted(await self.states()) != sorted(states):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def lent(size: int) -> AsyncIterator[Lent]:
    location = sa.make_url(postgres_server_url())
    dsn = location.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"test-{uuid.uuid4().hex[:8]}"
    watcher = await asyncpg.connect(dsn)
    made = Connections(size, dsn=dsn, server_settings={"application_name": name})
    try:
        yield Lent(made, watcher, name)
    finally:
        await made.close()
        await watcher.close()


async def test_there_are_no_more_connections_than_are_needed_and_allowed() -> None:
    async with lent(2) as it:
        assert len({await it.value(PID) for _ in range(5)}) == 1
        slow = "SELECT pg_backend_pid() FROM pg_sleep(0.05)"
        assert len(set(await asyncio.gather(*(it.value(slow) for _ in range(6))))) == 2


async def test_a_statement_that_fails_leaves_the_connection_as_it_is() -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await it.value("SELECT 1 / $1::int", 0)
        with pytest.raises(asyncpg.DataError):
            await it.value("SELECT $1::int", "no number")
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


async def test_a_connection_that_is_cut_in_the_middle_is_an_error_once() -> None:
    async with lent(1) as it:
        pid = await it.value(PID)
        busy = asyncio.ensure_future(it.value("SELECT pg_sleep(60)"))
        await it.settled("active")
        await it.end(pid)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await busy
        assert await it.value("SELECT 7") == 7


async def test_nobody_waits_for_a_connection_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.05)
    async with lent(1) as it:
        busy = asyncio.ensure_future(it.value("SELECT 1 FROM pg_sleep(0.5)"))
        await it.settled("active")
        with pytest.raises(TimeoutError):
            await it.value(PID)
        assert await busy == 1
        assert await it.value("SELECT 7") == 7


async def test_connections_that_nobody_used_for_long_are_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with lent(2) as it:
        pid = await it.value(PID)
        monkeypatch.setattr(connections, "IDLE_SECONDS", -1)
        assert await it.value(PID) != pid
        await it.settled("idle")


async def test_at_the_end_no_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLOSE_SECONDS", 0.1)
    async with lent(2) as it:
        await it.value(PID)
        late = asyncio.ensure_future(it.value("SELECT 1 FROM pg_sleep(0.5)"))
        await it.settled("active")
        await it.connections.close()
        assert await late == 1
        await it.settled()


async def test_what_is_closed_already_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLOSE_SECONDS", 60)
    async with lent(2) as it:
        await it.value(PID)
        async with asyncio.timeout(10):
            await it.connections.close()
            await it.connections.close()
        await it.settled()
