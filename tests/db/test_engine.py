"""Tests of engines: what a connection is prepared with, also while another one is at work."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aggregator.db.engine import Database, open_url
from aggregator.db.failures import translated
from aggregator.errors import Unavailable
from tests.db.stores import open_store


async def test_a_connection_waits_to_turn_a_file_into_wal_until_its_writer_ends(
    tmp_path: Path,
) -> None:
    file = tmp_path / "new.db"
    engine = open_url(f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (id INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")

        async with engine.connect() as connection:
            result = await connection.exec_driver_sql("PRAGMA journal_mode")
            mode = result.scalar_one()
    await engine.dispose()

    assert mode == "wal"


@pytest.mark.parametrize("content", [None, b"this is not a database" * 100])
def test_a_file_that_cannot_be_opened_leaves_no_thread_behind(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "absent" / "a.db"
    if content:
        file.parent.mkdir()
        file.write_bytes(content)
    running = set(threading.enumerate())
    left: list[set[threading.Thread]] = []

    async def fail() -> None:
        engine = open_url(f"sqlite+aiosqlite:///{file}")
        with pytest.raises(DBAPIError, match=r"unable to open|not a database"):
            async with engine.connect():
                pass
        left.append(set(threading.enumerate()) - running)
        await engine.dispose()

    # the thread ends at a random time; without a wait at least one of these is still alive
    for _ in range(50):
        asyncio.run(fail())
    assert not set().union(*left)


async def test_a_host_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # a machine without name servers would wait for them
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    database = Database(open_url("postgresql+asyncpg://u:p@nowhere.invalid:5432/d"))
    for asked in (database.rows(sa.select(sa.literal(1))), _written(database)):
        with pytest.raises(Unavailable, match=r"^database: host 'nowhere\.invalid': \S"):
            await asked
    await database.close()


async def _written(database: Database) -> None:
    async def nothing(_: object) -> None:
        return None

    await database.transaction(nothing)


@pytest.mark.parametrize("offset", [0, 4096])
async def test_a_corrupt_file_raises_unavailable_not_record_rejected(
    tmp_path: Path, offset: int
) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (id INTEGER)")
        other.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(3000)])
        other.commit()
    content = bytearray(file.read_bytes())
    content[offset : offset + 4096] = b"\xab" * 4096
    file.write_bytes(content)
    database = Database(open_url(f"sqlite+aiosqlite:///{file}"))

    with pytest.raises(Unavailable, match=r"^database: .*(not a database|malformed)"):
        await database.run(sa.text("INSERT INTO t VALUES (:id) RETURNING id"), {"id": 1})
    await database.close()


CLOSED = "cannot call PreparedStatement.fetch(): the underlying connection is closed"


@pytest.mark.parametrize(
    "error",
    [
        PoolTimeout("QueuePool limit of size 10 overflow 0 reached"),
        InterfaceError("SELECT 1", {}, asyncpg.InterfaceError(CLOSED)),
        OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked")),
        asyncpg.InterfaceError(CLOSED),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        ConnectionRefusedError(111, "Connect call failed"),
        TimeoutError(),
    ],
)
def test_who_reads_of_an_outage_is_told_that_it_is_the_database(error: Exception) -> None:
    with pytest.raises(Unavailable, match=r"^database: \S"), translated():
        raise error


@pytest.mark.parametrize(("kind", "shards"), [("postgresql", 2), ("sqlite file", 1)])
async def test_ingest_is_told_of_reads(kind: str, shards: int, tmp_path: Path) -> None:
    async with open_store(kind, tmp_path) as engine:
        database = Database(engine)
        assert database.shards == shards
        assert not database.readers_active()
        await database.rows(sa.select(sa.literal(1)))
        assert database.readers_active()
        await database.close()
