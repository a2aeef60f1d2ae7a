"""A database: its engine, reads and transactions with retry, and translation of driver errors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ..config.options import StorageConfig
from ..parts import ROWS, in_parts, turn
from .driver import Driver
from .failures import is_transient, translated
from .pool import guard_of, postgresql_engine
from .replica import ReplicaReader
from .server import Server
from .session import opened
from .sqlite import in_memory, sqlite_engine
from .statements import Observer
from .url import url

# a statement takes milliseconds; a connection without an answer for this long is lost
STATEMENT_SECONDS = 10.0
_ACTIVE_SECONDS = 1.0

T = TypeVar("T")


def connect(
    config: StorageConfig, *, read_replica: bool = False, limit: float | None = None
) -> AsyncEngine:
    """Return an engine for the storage, which connects on the first statement.

    `limit` is the statement timeout on PostgreSQL in seconds; None disables it.
    """
    location, size = url(config), config.pg_pool_size
    if config.db_driver == "sqlite3":
        return sqlite_engine(location, size)
    server = Server(config, read_host=config.pg_read_host if read_replica else "")
    return postgresql_engine(location, size, limit, server.connect)


def open_url(
    location: sa.URL | str, *, pool_size: int = 10, limit: float | None = None
) -> AsyncEngine:
    """Return an engine for the URL, with the pool and settings of its dialect."""
    location = sa.make_url(location)
    if location.get_backend_name() == "sqlite":
        return sqlite_engine(location, pool_size)
    return postgresql_engine(location, pool_size, limit, opened)


class Database:
    """The engine of one storage: reads, writes, retry and translated errors."""

    def __init__(
        self,
        engine: AsyncEngine,
        replica: AsyncEngine | None = None,
        statements: Observer | None = None,
    ) -> None:
        self.engine = engine
        self._engines = [engine, replica] if replica else [engine]
        self._reader = (replica or engine).execution_options(isolation_level="AUTOCOMMIT")
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._drivers: tuple[Driver, Driver | ReplicaReader] | None = None
        self._replica: ReplicaReader | None = None
        self._read_at = -_ACTIVE_SECONDS
        self._limited: dict[tuple[sa.Select[Any], int], sa.Select[Any]] = {}
        if self.dialect == "postgresql":
            primary = Driver(engine, statements)
            if replica is not None:
                self._replica = ReplicaReader(Driver(replica, statements), primary)
            self._drivers = (primary, self._replica or primary)
        for one in self._engines:
            if statements is not None:
                statements.watch(one)

    @property
    def dialect(self) -> str:
        """Return the name of the dialect, `postgresql` or `sqlite`."""
        return self.engine.dialect.name

    @property
    def shards(self) -> int:
        """Return how many concurrent transactions are the fastest way to store a batch."""
        return 2 if self.dialect == "postgresql" else 1

    def readers_active(self) -> bool:
        """Return True if a read ran within the last second."""
        return time.monotonic() - self._read_at < _ACTIVE_SECONDS

    @property
    def in_memory(self) -> bool:
        """Return True if the database is in memory."""
        return self.dialect == "sqlite" and in_memory(self.engine.url)

    @contextlib.asynccontextmanager
    async def reachable(self) -> AsyncIterator[None]:
        """Translate driver errors raised in this block, which may use one connection."""
        with translated():
            async with self._turn():
                yield

    async def rows(
        self, statement: sa.Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Return the rows of a SELECT; their columns are attributes and items."""
        self._read_at = time.monotonic()
        with translated():
            if self._drivers:
                return await self._drivers[1].rows(statement, values or {})
            return await _all(self._reader, statement, values)

    @in_parts
    async def parts(
        self, statement: sa.Select[Any], values: Mapping[str, Any], size: int = ROWS
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Yield the rows of a SELECT in parts of `size`.

        Most lists are short: one statement with a limit reads those. For a longer one the whole
        statement is executed again, with a cursor in a transaction.
        """
        limited = self._limited.get((statement, size))
        if limited is None:
            limited = self._limited[statement, size] = statement.limit(size + 1)
        rows = await self.rows(limited, values)
        if len(rows) <= size:
            if rows:
                yield rows
            return
        del rows
        with translated():
            reading = self._all_parts(statement, values, size)
            async with contextlib.aclosing(reading):
                async for part in reading:
                    yield part

    async def _all_parts(
        self, statement: sa.Select[Any], values: Mapping[str, Any], size: int
    ) -> AsyncGenerator[Sequence[Any], None]:
        if self._drivers:
            reading = self._drivers[1].parts(statement, values, size)
            async with contextlib.aclosing(reading):
                async for part in reading:
                    yield part
            return
        async with self._reader.connect() as connection:
            result = await connection.stream(statement, values)
            async for part in result.partitions(size):
                yield part
                await turn()

    async def run(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute a writing statement in its own transaction; return its rows.

        When the connection is lost, it is unknown whether the statement was committed. It is
        retried once, so it must be idempotent.
        """
        with translated():
            if self._drivers:
                return await self._drivers[0].rows(statement, values)
            return await _all(self._single, statement, values)

    async def transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, commit, and return its result.

        After a transient error before the commit, run `work` once more.
        """
        with translated():
            try:
                return await self._attempt(work)
            except _Again:
                return await self._attempt(work, last=True)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that reads one state of the database; it blocks no writer.

        Errors are the driver's, because the block may also do other things than read.
        """
        if self._drivers is None:
            async with self._single.connect() as connection:
                # a deferred transaction: the engine's own would lock out writers
                await connection.exec_driver_sql("BEGIN")
                yield connection
            return
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        async with self._turn(), self.engine.connect() as connection:
            yield await connection.execution_options(**options)

    async def close(self) -> None:
        """Close all connections, within a time limit."""
        if self._replica is not None:
            await self._replica.close()
        await asyncio.gather(*map(self._close, self._engines))

    async def _attempt(
        self, work: Callable[[AsyncConnection], Awaitable[T]], *, last: bool = False
    ) -> T:
        async with self._turn(), self.engine.connect() as connection:
            info, committing = connection.info, False
            try:
                await connection.begin()
                result = await work(connection)
                committing = True
                await connection.commit()
            except Exception as error:
                if self._is_broken_by(error, info) and not connection.invalidated:
                    await connection.invalidate()
                if last or committing or not is_transient(error):
                    raise
                raise _Again from error
            return result

    def _turn(self) -> contextlib.AbstractAsyncContextManager[None]:
        if self._drivers is None:
            return contextlib.nullcontext()
        return guard_of(self.engine).turn()

    def _is_broken_by(self, error: Exception, info: dict[Any, Any]) -> bool:
        return self._drivers is not None and guard_of(self.engine).is_broken_by(error, info)

    async def _close(self, engine: AsyncEngine) -> None:
        if self._drivers is not None:
            await guard_of(engine).close()
        await engine.dispose()


class _Again(Exception):
    """A transaction failed before its commit with a transient error; retry it."""


async def _all(
    engine: AsyncEngine, statement: sa.Executable, values: Mapping[str, Any] | None
) -> Sequence[sa.Row[Any]]:
    async with engine.connect() as connection:
        result = await connection.execute(statement, values)
        return result.all() if result.returns_rows else ()
