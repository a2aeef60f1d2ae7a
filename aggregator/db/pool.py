"""The connections of a PostgreSQL engine: opened, checked before they are lent, closed in time.

SQLAlchemy's pool lends all of them. This module holds what it does not do by itself: time limits,
the check of connections that were idle, and how to work behind a connection pooler.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ..errors import UnsupportedServer
from .failures import READ_ONLY, driver_error, is_lost, is_out_of_step, sqlstate
from .server import CONNECT_SECONDS, SESSION

log = logging.getLogger(__name__)

OLDEST_VERSION = 14
WAIT_SECONDS = 5
CLOSE_SECONDS = 1.0
# NAT gateways, poolers and servers drop idle connections; asking is one round trip
IDLE_CHECK_SECONDS = 1.0
PING_SECONDS = 2.0
RECYCLE_SECONDS = 1800
# how far the limit of a statement grows while statements reach it
MOST_LIMIT_SECONDS = 160.0
FORGET_SECONDS = 600.0

_GUARD = "aggregator_guard"
_OPENED, _USED, _LIMIT = "opened", "used", "limit"
_BACKEND = "SELECT pg_backend_pid()"
# the texts of reports are compressed; the default way takes half of the time of storing one
_QUICK_COMPRESSION = (
    "SELECT set_config(name, 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)
# of the driver and of SQLAlchemy: parse each statement in the packet that executes it
_UNPREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

# opens a connection, given what SQLAlchemy knows of the place
Opener = Callable[..., Awaitable[Any]]


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes, too, as SQLAlchemy's are."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Return a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that closes within a time limit, whatever the server does."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Close it; drop the socket when the server does not answer in time."""
        limit = CLOSE_SECONDS if timeout is None else min(timeout, CLOSE_SECONDS)
        try:
            await super().close(timeout=limit)
        except _FAILURES:
            self.terminate()


async def opened(**where: Any) -> Any:
    """Return a connection; raise OSError with the host's name when it does not resolve.

    What else the driver raises names the address by itself.
    """
    try:
        return await asyncpg.connect(**where)
    except socket.gaierror as error:
        raise OSError(f"host '{where.get('host')}': {error.strerror}") from error


def postgresql_engine(
    location: sa.URL, pool_size: int, limit: float | None, opener: Opener = opened
) -> AsyncEngine:
    """Return an engine with at most `pool_size` connections.

    `limit` is in seconds, for a statement and a commit; None is without a limit.
    """
    guard = Guard(limit)
    engine = create_async_engine(
        location,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_use_lifo=True,
        pool_recycle=RECYCLE_SECONDS,
        execution_options={_GUARD: guard},
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": SESSION,
            "async_creator_fn": opener,
            "connection_class": Connection,
            # the driver forgets the class given with a statement that it prepares again
            "record_class": Row,
        },
    )
    guard.watch(engine)
    return engine


def guard_of(engine: AsyncEngine) -> Guard:
    """Return what watches over the engine's connections."""
    guard: Guard = engine.sync_engine.get_execution_options()[_GUARD]
    return guard


class Guard:
    """Opens an engine's connections, checks them before they are lent, closes them in time."""

    def __init__(self, limit: float | None) -> None:
        self._first_limit = self._limit = limit
        self._late_at = 0.0
        # connections opened before this lead to a replica; those not used since may be lost
        self._replica_until = self._suspect_until = 0.0
        self._behind_pooler = False
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lent: set[Any] = set()
        self._closed = False
        self._returned = asyncio.Event()
        self._discarding: set[asyncio.Task[None]] = set()

    def watch(self, engine: AsyncEngine) -> None:
        """Listen to the events of the engine's pool."""
        sa.event.listen(engine.sync_engine, "do_connect", self._connect)
        sa.event.listen(engine.sync_engine, "checkout", self._check)
        sa.event.listen(engine.sync_engine, "checkin", self._take_back)
        sa.event.listen(engine.sync_engine, "invalidate", self._drop)

    def is_broken_by(self, error: BaseException, info: dict[str, Any]) -> bool:
        """Return True if the connection with this info must not be lent again after the error."""
        error = driver_error(error)
        if isinstance(error, TimeoutError):
            self._lengthen(info.get(_LIMIT))
            self._suspect_until = time.monotonic()
            return True
        if sqlstate(error) == READ_ONLY:
            self._replica_until = time.monotonic()
            return True
        if is_lost(error):
            self._suspect_until = time.monotonic()
            return True
        # a cancelled statement still runs at the server
        return is_out_of_step(error) or not isinstance(error, Exception)

    def discard(self, lent: Any) -> None:
        """Close a connection that the pool lent, in the background; then its place is free."""
        task = asyncio.get_running_loop().create_task(_discard(lent))
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)

    async def close(self, pool: sa.Pool) -> None:
        """Close idle connections, and the others when their statement ends."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._lent:
                    self._returned.clear()
                    await self._returned.wait()
        idle = [each for each in self._open if each not in self._lent]
        await asyncio.gather(*(each.close() for each in idle), *self._discarding)

    def _connect(self, dialect: Any, record: Any, given: Any, parameters: dict[str, Any]) -> Any:
        parameters = {**parameters, "command_timeout": self._current_limit()}
        connection = None
        if not self._behind_pooler:
            connection = dialect.connect(*given, **parameters)
            self._behind_pooler = not _set_up(connection)
            if self._behind_pooler:
                log.info("behind a connection pooler: statements are not prepared")
                connection.terminate()
                connection = None
        if connection is None:
            connection = dialect.connect(*given, **(parameters | _UNPREPARED))
            _require_version(connection)
        record.info.update({_OPENED: time.monotonic(), _LIMIT: parameters["command_timeout"]})
        self._open.add(connection.driver_connection)
        return connection

    def _check(self, connection: Any, record: Any, _lent: object) -> None:
        """Raise DisconnectionError for a connection that is not fit to be lent; it is replaced."""
        info, driver = record.info, connection.driver_connection
        used = info.get(_USED)
        if used is not None:
            if driver.is_closed() or info[_OPENED] <= self._replica_until:
                raise DisconnectionError("closed, or leads to a replica")
            idle = time.monotonic() - used
            if idle > IDLE_CHECK_SECONDS or used <= self._suspect_until:
                self._ping(connection)
        self._lent.add(driver)

    def _ping(self, connection: Any) -> None:
        try:
            connection.run_async(_ping)
        except _FAILURES as error:
            self._suspect_until = time.monotonic()
            connection.driver_connection.terminate()
            raise DisconnectionError("does not answer") from error

    def _take_back(self, connection: Any, record: Any) -> None:
        record.info[_USED] = time.monotonic()
        if connection is not None:
            self._lent.discard(connection.driver_connection)
            if self._closed:
                connection.driver_connection.terminate()
        self._returned.set()

    def _drop(self, connection: Any, _record: object, _error: object) -> None:
        self._lent.discard(connection.driver_connection)

    def _current_limit(self) -> float | None:
        if time.monotonic() - self._late_at > FORGET_SECONDS:
            self._limit = self._first_limit
        return self._limit

    def _lengthen(self, reached: float | None) -> None:
        """Double the limit that a statement has reached: the server may be slow, not silent."""
        self._late_at = time.monotonic()
        if reached is not None and self._limit is not None:
            self._limit = max(self._limit, min(2 * reached, MOST_LIMIT_SECONDS))


def _set_up(connection: Any) -> bool:
    """Prepare a session; return False if there is a pooler between here and the server."""
    try:
        _require_version(connection)
        direct: bool = connection.run_async(_is_direct)
        if direct:
            connection.run_async(_compress_quickly)
    except BaseException:
        connection.driver_connection.terminate()
        raise
    return direct


def _require_version(connection: Any) -> None:
    version = connection.driver_connection.get_server_version()
    if version.major < OLDEST_VERSION:
        connection.driver_connection.terminate()
        raise UnsupportedServer(
            f"database: PostgreSQL {version.major}.{version.minor} is too old, "
            f"{OLDEST_VERSION} is the oldest supported version"
        )


async def _is_direct(connection: Any) -> bool:
    """Return True if the backend is the one that the connection was opened to.

    A pooler gives each client a number of its own. The transaction keeps its backend, and the
    statement without a name leaves nothing behind in it.
    """
    async with asyncio.timeout(CONNECT_SECONDS), connection.transaction():
        statement = await connection.prepare(_BACKEND, name="")
        return bool(await statement.fetchval() == connection.get_server_pid())


async def _compress_quickly(connection: Any) -> None:
    await connection.execute(_QUICK_COMPRESSION, timeout=CONNECT_SECONDS)


async def _ping(connection: Any) -> None:
    await connection.execute("SELECT 1", timeout=PING_SECONDS)


async def _discard(lent: Any) -> None:
    await lent.driver_connection.close()
    lent.invalidate()
