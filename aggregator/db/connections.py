"""Connections of PostgreSQL's driver, lent for one statement each.

The driver's own pool makes a task, a timer and a proxy for every loan: as much work as a small
statement, and two fifths of what one cost in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

WAIT_SECONDS = 5
CLOSE_SECONDS = 2
# what is between here and the server may have forgotten a connection that nobody used for so long
IDLE_SECONDS = 300

# makes a connection of what SQLAlchemy knows of the place
Opener = Callable[..., Awaitable[Any]]


async def opened(**where: Any) -> Any:
    """Return a connection; raise OSError with the host's name when nobody knows it.

    What else the driver raises says by itself where it wanted to go.
    """
    try:
        return await asyncpg.connect(**where)
    except socket.gaierror as error:
        raise OSError(f"host '{where.get('host')}': {error.strerror}") from error


class Connections:
    """At most `size` connections to one place, opened when needed, the latest one used first."""

    def __init__(self, size: int, opener: Opener = opened, **where: Any) -> None:
        self._size = size
        self._opener = opener
        self._closed = False
        self._where = where
        self._turns = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._used_at = 0.0
        self._parting: set[asyncio.Task[None]] = set()

    async def fetch(
        self, text: str, values: Sequence[Any], record_class: type[asyncpg.Record]
    ) -> Sequence[Any]:
        """Return the rows of one statement, a transaction of its own.

        Raise TimeoutError when no connection is free in time, and what the driver raises.
        """
        await self._turn()
        try:
            connection = await self._taken()
            try:
                rows: Sequence[Any] = await connection.fetch(
                    text, *values, record_class=record_class
                )
            except (asyncpg.PostgresError, asyncpg.InterfaceError):
                # the statement was at fault, or else the connection is closed by now
                self._give_back(connection)
                raise
            except BaseException:
                # cancelled, most likely: what the server is told to give up goes on for a while
                self._drop(connection)
                raise
            self._give_back(connection)
            return rows
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Close all connections; one that is busy for long is cut when its statement ends.

        A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for _ in range(self._size):
                    await self._turns.acquire()
        await asyncio.gather(*self._parting, *map(_close, self._idle))
        self._idle.clear()

    async def _turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        async with asyncio.timeout(WAIT_SECONDS):
            await self._turns.acquire()

    async def _taken(self) -> Any:
        now = asyncio.get_running_loop().time()
        if now - self._used_at > IDLE_SECONDS:
            while self._idle:
                self._drop(self._idle.pop())
        self._used_at = now
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self._opener(**self._where)

    def _give_back(self, connection: Any) -> None:
        if self._closed:
            self._drop(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: Any) -> None:
        if self._closed:
            # the loop may be at its end, too, where nobody waits for a task any more
            connection.terminate()
            return
        task = asyncio.get_running_loop().create_task(_close(connection))
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
