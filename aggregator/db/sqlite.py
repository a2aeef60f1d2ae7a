"""SQLite as an engine: one thread a connection, a file takes readers beside its one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import Any

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BUSY_WAIT_SECONDS = 5.0
_SWITCH_WAIT_SECONDS = 0.01


def in_memory(location: sa.URL) -> bool:
    """Say whether the URL is of a database in memory."""
    return location.database in (None, "", ":memory:")


def sqlite_engine(location: sa.URL, pool_size: int) -> AsyncEngine:
    """Return an engine for the file, or for a database in memory, which has one connection."""
    engine = create_async_engine(
        location,
        pool_size=1 if in_memory(location) else pool_size,
        max_overflow=0,
        pool_timeout=30,
        poolclass=sa.AsyncAdaptedQueuePool,
        connect_args={
            "timeout": _BUSY_WAIT_SECONDS,
            "isolation_level": None,
            "async_creator_fn": _opened,
        },
        execution_options={"schema_translate_map": {"dvo": None}},
    )

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # taking the write lock at once avoids upgrades of a read transaction, which fail at once
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def is_broken(error: object) -> bool:
    """Say whether the error tells of a file that is no database (any more)."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


async def _opened(database: str, **options: Any) -> aiosqlite.Connection:
    """Return a prepared connection; raise sqlite3.Error that names the file."""
    connection = aiosqlite.connect(database, **options)
    thread = connection._thread
    thread.daemon = True
    try:
        await _prepare(await connection)
    except BaseException as error:
        if isinstance(error, sqlite3.Error):
            error.args = (f"{error}: {database}",)
        await connection.close()
        # a connection that could not be opened tells its thread to end without waiting for it;
        # the thread answers to the loop, which a command closes at once after the error
        thread.join()
        raise
    return connection


async def _prepare(connection: aiosqlite.Connection) -> None:
    await connection.execute("PRAGMA foreign_keys = ON")
    # SQLite does not wait by itself when several connections turn a new file into WAL at once
    deadline = time.monotonic() + _BUSY_WAIT_SECONDS
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_SWITCH_WAIT_SECONDS)
    await connection.execute("PRAGMA synchronous = NORMAL")
