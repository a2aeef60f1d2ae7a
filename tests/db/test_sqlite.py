"""SQLite: URIs, files that are read-only, deleted or replaced while they are in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from aggregator.config.options import StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import Database, connect
from aggregator.db.sqlite import SqlitePlace
from aggregator.errors import Unavailable

INSERT = sa.text("INSERT INTO t VALUES (:id) RETURNING id")
READ = sa.text("SELECT id FROM t ORDER BY id")


@asynccontextmanager
async def database(source: str) -> AsyncIterator[Database]:
    found = Database(connect(StorageConfig(sqlite_datasource=source)))
    try:
        yield found
    finally:
        await found.close()


def make(file: Path, *numbers: int) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in numbers])
        connection.commit()
    return file


async def create(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("CREATE TABLE t (id INTEGER)")


async def insert_in_transaction(found: Database, deleted: Path | None = None) -> None:
    async def insert(connection: AsyncConnection) -> None:
        await connection.execute(INSERT, {"id": 1})
        if deleted:
            deleted.unlink()

    await found.transaction(insert)


@pytest.mark.parametrize(
    ("source", "in_memory", "read_only", "file"),
    [
        (":memory:", True, False, ""),
        ("file::memory:?cache=shared", True, False, ""),
        ("file:x?mode=memory&cache=shared", True, False, ""),
        ("/a/b.db", False, False, "/a/b.db"),
        ("file:/a/b.db", False, False, "/a/b.db"),
        ("file:///a/b%20c.db?mode=ro", False, True, "/a/b c.db"),
        ("file:/a/b.db?immutable=1", False, True, "/a/b.db"),
        ("b.db", False, False, "{here}/b.db"),
        ("file:b.db", False, False, "{here}/b.db"),
    ],
)
def test_where_a_database_is(source: str, in_memory: bool, read_only: bool, file: str) -> None:
    place = SqlitePlace(source)
    expected = (in_memory, read_only, file.format(here=os.getcwd()))
    assert (place.in_memory, place.read_only, place.file) == expected


@pytest.mark.parametrize("source", ["file:x?mode=memory&cache=shared", "file::memory:"])
async def test_a_database_in_memory_may_have_a_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with database(source) as found:
        assert found.in_memory
        await found.transaction(create)
        await found.run(INSERT, {"id": 1})
        assert [row.id for row in await found.rows(READ)] == [1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("journal", ["delete", "wal"])
async def test_a_uri_opens_a_file_for_reading_only(journal: str, tmp_path: Path) -> None:
    file = make(tmp_path / "a b.db", 1)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    async with database(f"file:{tmp_path}/a%20b.db?mode=ro") as found:
        assert [row.id for row in await found.rows(READ)] == [1]
        with pytest.raises(Unavailable, match=rf"readonly database: {tmp_path}/a b\.db"):
            await found.run(INSERT, {"id": 2})
        with pytest.raises(Unavailable, match=r"readonly database: "):
            await insert_in_transaction(found)


async def test_nothing_is_written_to_a_deleted_file(tmp_path: Path) -> None:
    file = make(tmp_path / "a.db", 1)
    async with database(str(file)) as found:
        await found.run(INSERT, {"id": 2})
        file.unlink()
        for _ in range(2):
            with pytest.raises(Unavailable, match=rf"^database: {file} was deleted"):
                await found.run(INSERT, {"id": 3})
            with pytest.raises(Unavailable, match=rf"^database: {file} was deleted"):
                await found.rows(READ)
        assert not file.exists()
        for name in ("a.db-wal", "a.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        make(file, 10)
        await found.run(INSERT, {"id": 11})
        assert [row.id for row in await found.rows(READ)] == [10, 11]


async def test_a_transaction_on_a_file_that_is_deleted_meanwhile_fails(tmp_path: Path) -> None:
    file = make(tmp_path / "a.db")
    async with database(str(file)) as found:
        with pytest.raises(Unavailable, match=rf"^database: {file} was deleted"):
            await insert_in_transaction(found, deleted=file)


async def test_a_replaced_file_is_reopened(tmp_path: Path) -> None:
    file, backup = make(tmp_path / "a.db", 1), make(tmp_path / "backup.db", 5)
    async with database(str(file)) as found:
        assert [row.id for row in await found.rows(READ)] == [1]
        shutil.move(backup, file)
        assert [row.id for row in await found.rows(READ)] == [5]


async def test_readiness_tells_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.db"
    section = StorageConfig(sqlite_datasource=str(file))
    found = sql.databases(section, StorageConfig(type=""))["ocp"]
    await sql.migrate(found.engine, sql.OCP, sql.OCP.latest)
    health = sql.SqlHealth({"ocp": found})
    await health.check()
    with monkeypatch.context() as patched:
        # root may write everything
        patched.setattr(os, "access", lambda *_: False)
        with pytest.raises(Unavailable, match=rf"^database: {file} is read-only"):
            await health.check()
    file.unlink()
    with pytest.raises(Unavailable, match=rf"^database: {file} was deleted"):
        await health.check()
    await health.close()
