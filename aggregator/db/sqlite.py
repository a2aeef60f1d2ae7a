"""SQLite engine: WAL, one thread per connection, detection of a deleted or replaced file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ..errors import Unavailable

_BUSY_WAIT_SECONDS = 5.0
_SWITCH_WAIT_SECONDS = 0.01
_IDENTITY = "identity"


def in_memory(location: sa.URL) -> bool:
    """Return True if the URL is of a database in memory."""
    return SqlitePlace(location.database or "").in_memory


class SqlitePlace:
    """Where a SQLite database is: a path, `:memory:`, or a URI as SQLite's documentation has them.

    The path is made absolute now, since the working directory may change.
    """

    def __init__(self, source: str) -> None:
        self.is_uri = source.startswith("file:")
        parts = urlsplit(source) if self.is_uri else None
        path = unquote(parts.path) if parts else source
        options = dict(parse_qsl(parts.query)) if parts else {}
        self.in_memory = path in ("", ":memory:") or options.get("mode") == "memory"
        self.read_only = options.get("mode") == "ro" or options.get("immutable") == "1"
        self.file = "" if self.in_memory else os.path.abspath(path)
        self.source = source if self.is_uri else self.file or ":memory:"

    def identity(self) -> tuple[int, int] | None:
        """Return device and inode of the file, None if it does not exist."""
        try:
            status = os.stat(self.file)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def check_writable(self) -> None:
        """Raise Unavailable for a read-only file, unless opened as read-only."""
        meant = self.in_memory or self.read_only
        if not meant and self.identity() and not os.access(self.file, os.W_OK):
            raise Unavailable(f"database: {self.file} is read-only")

    def check_present(self, opened: tuple[int, int] | None) -> bool:
        """Return True if the file is the one opened; raise Unavailable if it does not exist."""
        now = self.identity()
        if opened and not now:
            raise Unavailable(f"database: {self.file} was deleted")
        return now == opened


def sqlite_engine(location: sa.URL, pool_size: int) -> AsyncEngine:
    """Return an engine for the file, or for a database in memory, which has one connection."""
    place = SqlitePlace(location.database or "")

    known: list[tuple[int, int] | None] = []

    async def opened(_: str, **options: Any) -> aiosqlite.Connection:
        if place.file and known:
            # SQLite would create a new, empty file
            place.check_present(known[0])
        connection = await _opened(place, **options)
        known[:] = [place.identity()]
        return connection

    engine = create_async_engine(
        location,
        pool_size=1 if place.in_memory else pool_size,
        max_overflow=0,
        pool_timeout=30,
        poolclass=sa.AsyncAdaptedQueuePool,
        connect_args={
            "timeout": _BUSY_WAIT_SECONDS,
            "isolation_level": None,
            "async_creator_fn": opened,
        },
        execution_options={"schema_translate_map": {"dvo": None}},
    )

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # BEGIN IMMEDIATE avoids upgrades of a read transaction, which fail without waiting
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    if place.file:
        _watch(engine, place)
        _name_file(engine, place)
    return engine


def _watch(engine: AsyncEngine, place: SqlitePlace) -> None:
    """Discard connections to a deleted or replaced file, whose writes would be lost."""
    target = engine.sync_engine

    @sa.event.listens_for(target, "connect")
    def connect(_: Any, record: Any) -> None:
        record.info[_IDENTITY] = place.identity()

    @sa.event.listens_for(target, "checkout")
    def checkout(_: Any, record: Any, __: Any) -> None:
        if not place.check_present(record.info[_IDENTITY]):
            # the pool opens another one, to the new file
            raise sa.exc.DisconnectionError(f"{place.file} was replaced")

    @sa.event.listens_for(target, "commit")
    def commit(connection: sa.Connection) -> None:
        if not place.check_present(connection.connection.info[_IDENTITY]):
            raise Unavailable(f"database: {place.file} was replaced")


def _name_file(engine: AsyncEngine, place: SqlitePlace) -> None:
    """Add the file's name to errors of the database, not to those of a row."""

    @sa.event.listens_for(engine.sync_engine, "handle_error")
    def name_file(context: Any) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.OperationalError) and place.file not in str(error):
            error.args = (f"{error}: {place.file}",)


async def _opened(place: SqlitePlace, **options: Any) -> aiosqlite.Connection:
    """Return a prepared connection; raise sqlite3.Error that names the file."""
    connection = aiosqlite.connect(place.source, uri=place.is_uri, **options)
    thread = connection._thread
    thread.daemon = True
    try:
        await _prepare(await connection)
    except BaseException as error:
        if isinstance(error, sqlite3.Error):
            error.args = (f"{error}: {place.file or place.source}",)
        await connection.close()
        # a connection that could not be opened tells its thread to end without waiting for it;
        # the thread calls back into the loop, which a command closes right after the error
        thread.join()
        raise
    return connection


async def _prepare(connection: aiosqlite.Connection) -> None:
    await connection.execute("PRAGMA foreign_keys = ON")
    # SQLite's busy timeout does not apply when several connections switch a new file to WAL
    deadline = time.monotonic() + _BUSY_WAIT_SECONDS
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
                break
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_SWITCH_WAIT_SECONDS)
    await connection.execute("PRAGMA synchronous = NORMAL")
