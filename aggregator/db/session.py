"""One PostgreSQL session: open, set up (encoding, prepared statements), ping, close."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from ..errors import UnsupportedServer
from .server import CONNECT_SECONDS

OLDEST_VERSION = 14
CLOSE_SECONDS = 1.0
PING_SECONDS = 2.0
FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # the server announced the end of the session, and has not closed the socket yet
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

_BACKEND = "SELECT pg_backend_pid()"
# compression of report texts: the default method takes half of the time of an insert
_QUICK_COMPRESSION = (
    "SELECT set_config(name, 'lz4', false) FROM pg_settings "
    "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)

# opens a connection with SQLAlchemy's connect arguments
Opener = Callable[..., Awaitable[Any]]


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row with attribute access to columns, as SQLAlchemy's."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Return a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that closes within a time limit, even if the server does not answer."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Close it; drop the socket when the server does not answer in time."""
        limit = CLOSE_SECONDS if timeout is None else min(timeout, CLOSE_SECONDS)
        try:
            await super().close(timeout=limit)
        except FAILURES:
            self.terminate()


async def opened(**where: Any) -> Any:
    """Return a connection; raise OSError with the host's name when it does not resolve.

    The driver's other errors already name the address.
    """
    try:
        return await asyncpg.connect(**where)
    except socket.gaierror as error:
        raise OSError(f"host '{where.get('host')}': {error.strerror}") from error


def set_up(connection: Any) -> bool:
    """Set up a session; return False if it runs through a connection pooler."""
    try:
        require_version(connection)
        direct: bool = connection.run_async(_is_direct)
        if direct:
            connection.run_async(_compress_quickly)
    except BaseException:
        connection.driver_connection.terminate()
        raise
    return direct


def require_version(connection: Any) -> None:
    """Raise UnsupportedServer for a server that is too old."""
    version = connection.driver_connection.get_server_version()
    if version.major < OLDEST_VERSION:
        connection.driver_connection.terminate()
        raise UnsupportedServer(
            f"database: PostgreSQL {version.major}.{version.minor} is too old, "
            f"{OLDEST_VERSION} is the oldest supported version"
        )


async def _is_direct(connection: Any) -> bool:
    """Return True if the session is not behind a connection pooler.

    A pooler reports its own backend PID to the client. The transaction pins the backend, and the
    unnamed statement leaves no state in it.
    """
    async with asyncio.timeout(CONNECT_SECONDS), connection.transaction():
        statement = await connection.prepare(_BACKEND, name="")
        return bool(await statement.fetchval() == connection.get_server_pid())


async def _compress_quickly(connection: Any) -> None:
    await connection.execute(_QUICK_COMPRESSION, timeout=CONNECT_SECONDS)


async def ping(connection: Any) -> None:
    """Raise one of FAILURES if the server does not answer in time."""
    await connection.execute("SELECT 1", timeout=PING_SECONDS)
