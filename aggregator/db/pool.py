"""Connection pool of a PostgreSQL engine: limit, liveness check at checkout, timely close.

SQLAlchemy's pool holds the connections. This module adds what SQLAlchemy lacks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from . import session
from .failures import (
    READ_ONLY,
    driver_error,
    is_lost,
    is_out_of_step,
    sqlstate,
)
from .server import CONNECT_SECONDS, SESSION

log = logging.getLogger(__name__)

WAIT_SECONDS = 5
# NAT gateways, poolers and servers drop idle connections; a ping is one round trip
IDLE_CHECK_SECONDS = 1.0
RECYCLE_SECONDS = 1800
# maximum factor by which the statement timeout grows while statements reach it
MOST_LIMIT_SECONDS = 160.0
FORGET_SECONDS = 600.0

_GUARD = "aggregator_guard"
_OPENED, _USED, _LIMIT, _UNCHECKED = "opened", "used", "limit", "unchecked"
# of the driver and of SQLAlchemy: parse each statement in the packet that executes it
_UNPREPARED = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


def postgresql_engine(
    location: sa.URL, pool_size: int, limit: float | None, opener: session.Opener = session.opened
) -> AsyncEngine:
    """Return an engine with at most `pool_size` connections.

    `limit` is in seconds, for a statement and a commit; None is without a limit.
    """
    guard = Guard(pool_size, limit)
    engine = create_async_engine(
        location,
        # without a limit, the guard counts: a full queue makes a task and a timer for every loan
        pool_size=0,
        pool_use_lifo=True,
        pool_recycle=RECYCLE_SECONDS,
        execution_options={_GUARD: guard},
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": SESSION,
            "async_creator_fn": opener,
            "connection_class": session.Connection,
            # the driver forgets the class given with a statement that it prepares again
            "record_class": session.Row,
        },
    )
    guard.watch(engine.sync_engine)
    return engine


class _MustWait(Exception):
    """There is no open connection, and opening one has to await in a greenlet."""


def guard_of(engine: AsyncEngine) -> Guard:
    """Return the guard of the engine's connections."""
    guard: Guard = engine.sync_engine.get_execution_options()[_GUARD]
    return guard


class Guard:
    """Opens an engine's connections, checks them at checkout, closes them within a time limit."""

    def __init__(self, size: int, limit: float | None) -> None:
        self._turns = asyncio.Semaphore(size)
        self._may_wait = True
        self._first_limit = self._limit = limit
        self._late_at = 0.0
        # connections opened before this may lead to a replica; those idle since may be lost
        self._replica_until = self._suspect_until = 0.0
        # connections idle since before this are not asked: one of them did not answer in time
        self._stalled_until = 0.0
        self._behind_pooler = False
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lent: set[Any] = set()
        self._closed = False
        self._returned = asyncio.Event()
        self._discarding: set[asyncio.Task[None]] = set()

    def watch(self, engine: sa.Engine) -> None:
        """Register listeners for the pool's events."""
        sa.event.listen(engine, "do_connect", self._connect)
        sa.event.listen(engine, "checkout", self._check)
        sa.event.listen(engine, "checkin", self._take_back)
        sa.event.listen(engine, "invalidate", self._drop)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a free place in the pool, and hold it in this block."""
        await self._wait()
        try:
            yield
        finally:
            self._turns.release()

    async def lend(self, engine: AsyncEngine) -> PoolProxiedConnection:
        """Check a connection out; raise PoolTimeout when none is free in time."""
        await self._wait()
        try:
            lent = self._lend_at_once(engine.sync_engine)
            if lent is not None and lent.info.pop(_UNCHECKED, False):
                lent = await self._checked(lent)
            return await engine.raw_connection() if lent is None else lent
        except BaseException:
            self._turns.release()
            raise

    def give_back(self, lent: PoolProxiedConnection, error: BaseException | None = None) -> None:
        """Check a connection in; close it in the background if the error has broken it."""
        if error is not None and self.is_broken_by(error, lent.info):
            task = asyncio.get_running_loop().create_task(self._discard(lent))
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
        else:
            # the driver has no transaction to roll back, so this waits for nothing
            lent.close()
            self._turns.release()

    def is_broken_by(self, error: BaseException, info: dict[str, Any]) -> bool:
        """Return True if the connection must not be reused after the error."""
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

    async def close(self) -> None:
        """Close idle connections now and busy ones after their statement."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(session.CLOSE_SECONDS):
                while self._lent:
                    self._returned.clear()
                    await self._returned.wait()
        idle = [each for each in self._open if each not in self._lent]
        await asyncio.gather(*(each.close() for each in idle), *self._discarding)

    async def _wait(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise PoolTimeout("no connection is free") from error

    def _lend_at_once(self, engine: sa.Engine) -> PoolProxiedConnection | None:
        """Check out an open connection without the greenlet that awaiting would need."""
        pool = engine.pool
        if not (isinstance(pool, sa.QueuePool) and pool.checkedin()):
            return None
        self._may_wait = False
        try:
            return engine.raw_connection()
        except _MustWait:
            return None
        finally:
            self._may_wait = True

    async def _checked(self, lent: PoolProxiedConnection) -> PoolProxiedConnection | None:
        try:
            await session.ping(lent.driver_connection)
        except session.FAILURES as error:
            self._note_failed_ping(error)
        except BaseException:
            self._abandon(lent)
            raise
        else:
            return lent
        self._abandon(lent)
        return None

    def _abandon(self, lent: Any) -> None:
        lent.driver_connection.terminate()
        lent.invalidate()

    async def _discard(self, lent: Any) -> None:
        try:
            await lent.driver_connection.close()
            lent.invalidate()
        finally:
            self._turns.release()

    def _connect(self, dialect: Any, record: Any, given: Any, parameters: dict[str, Any]) -> Any:
        if not self._may_wait:
            raise _MustWait
        parameters = {**parameters, "command_timeout": self._current_limit()}
        connection = None
        if not self._behind_pooler:
            connection = dialect.connect(*given, **parameters)
            self._behind_pooler = not session.set_up(connection)
            if self._behind_pooler:
                log.info("behind a connection pooler: statements are not prepared")
                connection.terminate()
                connection = None
        if connection is None:
            connection = dialect.connect(*given, **(parameters | _UNPREPARED))
            session.require_version(connection)
        record.info.update({_OPENED: time.monotonic(), _LIMIT: parameters["command_timeout"]})
        self._open.add(connection.driver_connection)
        return connection

    def _check(self, connection: Any, record: Any, _lent: object) -> None:
        """Raise DisconnectionError for an unusable connection; SQLAlchemy replaces it."""
        info, driver = record.info, connection.driver_connection
        used = info.get(_USED)
        if used is not None:
            if driver.is_closed() or info[_OPENED] <= self._replica_until:
                raise DisconnectionError("closed, or leads to a replica")
            if used <= self._stalled_until:
                driver.terminate()
                raise DisconnectionError("idle since before another one stalled")
            idle = time.monotonic() - used
            if idle > IDLE_CHECK_SECONDS or used <= self._suspect_until:
                self._ask(connection, info)
        self._lent.add(driver)

    def _ask(self, connection: Any, info: dict[str, Any]) -> None:
        if not self._may_wait:
            info[_UNCHECKED] = True
            return
        try:
            connection.run_async(session.ping)
        except session.FAILURES as error:
            self._note_failed_ping(error)
            connection.driver_connection.terminate()
            raise DisconnectionError("does not answer") from error

    def _note_failed_ping(self, error: BaseException) -> None:
        self._suspect_until = time.monotonic()
        if isinstance(error, TimeoutError):
            # asking each of them would take as long again
            self._stalled_until = self._suspect_until

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
        """Double the timeout that a statement has reached, since the server may only be slow."""
        self._late_at = time.monotonic()
        if reached is not None and self._limit is not None:
            self._limit = max(self._limit, min(2 * reached, MOST_LIMIT_SECONDS))
