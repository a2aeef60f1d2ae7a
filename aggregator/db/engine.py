"""A database as SQLAlchemy engine: URL, pool, pragmas, and which errors mean what."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..config import StorageConfig
from ..errors import RecordRejected, Unavailable
from .connections import Opener, opened
from .driver import OPENER, Driver
from .server import CONNECT_SECONDS, SESSION, Server
from .sqlite import in_memory, is_broken, sqlite_engine
from .statements import StatementLog
from .url import url

# SQLSTATE classes that say "not now", whatever the statement: connection, resources, operator
# intervention, system error, rollback (deadlock, serialization), read-only replica, catalog moved
_AWAY = ("08", "53", "57", "58", "40", "25", "3D", "28", "0A000", "55", "42P01", "3F")
_ASKED_SECONDS = 1.0
# the texts of reports are compressed; the default way takes half of the time of storing one
_QUICK_COMPRESSION = (
    "SELECT set_config(name, 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)


def connect(config: StorageConfig, *, read_replica: bool = False) -> AsyncEngine:
    """Return an engine for the storage; nothing is connected before the first statement."""
    location, size = url(config), config.pg_pool_size
    if config.db_driver == "sqlite3":
        return sqlite_engine(location, size)
    server = Server(config, read_host=config.pg_read_host if read_replica else "")
    return _postgresql(location, size, server.connect)


def open_url(location: sa.URL | str, *, pool_size: int = 10) -> AsyncEngine:
    """Return an engine for the URL, with the pool and the settings its dialect needs."""
    location = sa.make_url(location)
    if location.get_backend_name() == "sqlite":
        return sqlite_engine(location, pool_size)
    return _postgresql(location, pool_size, opened)


def _postgresql(location: sa.URL, pool_size: int, opener: Opener) -> AsyncEngine:
    engine = create_async_engine(
        location,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": SESSION,
            "async_creator_fn": opener,
        },
        execution_options={OPENER: opener},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(_QUICK_COMPRESSION)
        cursor.close()
        connection.commit()

    return engine


class Database:
    """The engine of one storage, with reads apart from writes and errors in the domain's words."""

    def __init__(
        self,
        engine: AsyncEngine,
        replica: AsyncEngine | None = None,
        statements: StatementLog | None = None,
    ) -> None:
        self.engine = engine
        self._reader = (replica or engine).execution_options(isolation_level="AUTOCOMMIT")
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._drivers: tuple[Driver, Driver] | None = None
        self._asked_at = -_ASKED_SECONDS
        if self.dialect == "postgresql":
            primary = Driver(engine, _size(engine), statements)
            second = Driver(replica, _size(replica), statements) if replica else primary
            self._drivers = (primary, second)
        for one in (engine, replica):
            if one is not None and statements is not None:
                statements.watch(one)

    @property
    def dialect(self) -> str:
        """Return the name of the dialect, `postgresql` or `sqlite`."""
        return self.engine.dialect.name

    @property
    def lanes(self) -> int:
        """Return how many transactions of a batch are worth while beside each other."""
        return 2 if self.dialect == "postgresql" else 1

    def asked(self) -> bool:
        """Say whether somebody has read just now, and may go on."""
        return time.monotonic() - self._asked_at < _ASKED_SECONDS

    @property
    def in_memory(self) -> bool:
        """Say whether nothing of it outlives the process."""
        return self.dialect == "sqlite" and in_memory(self.engine.url)

    @contextlib.asynccontextmanager
    async def reachable(self) -> AsyncIterator[None]:
        """Turn the driver's errors of what is done inside into ours."""
        with translated():
            yield

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for single reads: no transaction, so no round trips for one."""
        with translated():
            async with self._reader.connect() as connection:
                yield connection

    async def rows(
        self, statement: sa.Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Return the rows of one reading statement; their columns are attributes and items.

        On PostgreSQL columns of JSON come as text.
        """
        self._asked_at = time.monotonic()
        with translated():
            if self._drivers:
                return await self._drivers[1].rows(statement, values or {})
            return await _all(self._reader, statement, values)

    async def run(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run one writing statement, a transaction of its own; return what it returns."""
        with translated():
            if self._drivers:
                return await self._drivers[0].rows(statement, values)
            return await _all(self._single, statement, values)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction that commits at the end."""
        with translated():
            async with self.engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Give back all connections."""
        for driver in self._drivers or ():
            await driver.close()
        await self._reader.dispose()
        await self.engine.dispose()


async def _all(
    engine: AsyncEngine, statement: sa.Executable, values: Mapping[str, Any] | None
) -> Sequence[sa.Row[Any]]:
    async with engine.connect() as connection:
        return (await connection.execute(statement, values)).all()


def _size(engine: AsyncEngine) -> int:
    pool = engine.pool
    return pool.size() if isinstance(pool, sa.QueuePool) else 1


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into Unavailable (try later) or RecordRejected (never works)."""
    try:
        yield
    except Exception as error:
        if (meant := _meant(error)) is None:
            raise
        raise meant from error


def _meant(error: Exception) -> Unavailable | RecordRejected | None:
    """Return what the error says in our words, nothing if it is none of the database's."""
    if isinstance(error, PoolTimeout):
        return Unavailable("database: no connection is free")
    if isinstance(error, DBAPIError):
        text = str(error.orig)
        return Unavailable(f"database: {text}") if _is_away(error) else RecordRejected(text)
    if isinstance(error, SQLAlchemyError):
        return None
    if isinstance(error, OSError | TimeoutError):
        return Unavailable(f"database: {str(error) or 'no answer in time'}")
    if type(error).__module__.partition(".")[0] == "asyncpg":
        return _meant_by_driver(error)
    return None


def _meant_by_driver(error: Exception) -> Unavailable | RecordRejected:
    state = str(getattr(error, "sqlstate", None) or "")
    if isinstance(error, asyncpg.DataError) or (state and not state.startswith(_AWAY)):
        return RecordRejected(str(error))
    return Unavailable(f"database: {error}")


def _is_away(error: DBAPIError) -> bool:
    """Say whether the error is the database's fault at this moment, not the statement's."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    if state:
        return str(state).startswith(_AWAY)
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return not _is_encoding(error)
    return isinstance(error, OperationalError) or is_broken(error.orig)


def _is_encoding(error: DBAPIError) -> bool:
    # asyncpg reports a value that it cannot encode as an interface error
    cause = getattr(error.orig, "__cause__", None)
    return "DataError" in type(cause).__name__ or "invalid input" in str(error.orig)
