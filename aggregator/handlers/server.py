"""The HTTP server: its sockets, the connections that clients have, and the end of both."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest, format_timestamp
from tornado.routing import Router

from .connection import Connection, Limits

LOOK_SECONDS = 1.0
BACKLOG = 1024


class HttpServer:
    """Serves an application; it is the connections' host."""

    def __init__(self, app: Router, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._listening: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._looking: asyncio.TimerHandle | None = None
        self._second, self._date = 0, ""

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these sockets."""
        loop = asyncio.get_running_loop()
        for one in sockets:
            server = await loop.create_server(self._accept, sock=one, backlog=BACKLOG)
            self._listening.append(server)
        self._look()

    def stop(self) -> None:
        """Accept no more; connections stay until `close`."""
        for one in self._listening:
            one.close()

    async def close(self, seconds: float) -> None:
        """Let requests be answered for so long, then cut the connections that are left."""
        self.stop()
        for one in tuple(self._connections):
            one.close()
        try:
            async with asyncio.timeout(seconds):
                await self._none_left.wait()
        except TimeoutError:
            for one in tuple(self._connections):
                one.abort()
        if self._looking is not None:
            self._looking.cancel()

    def opened(self, connection: Connection) -> None:
        """Take note of a connection."""
        self._connections.add(connection)
        self._none_left.clear()

    def closed(self, connection: Connection) -> None:
        """Forget it."""
        self._connections.discard(connection)
        if not self._connections:
            self._none_left.set()

    def handler(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        """Return who answers a request."""
        found = self._app.find_handler(request)
        assert found is not None
        return found

    def date(self) -> str:
        """Return the value of the header `Date`, made once a second."""
        now = int(time.time())
        if now != self._second:
            self._second, self._date = now, format_timestamp(now)
        return self._date

    def _accept(self) -> Connection:
        return Connection(self, self._limits)

    def _look(self) -> None:
        """Cut the connections of clients that have taken too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for one in tuple(self._connections):
            if one.deadline is not None and one.deadline < now:
                one.abort()
        self._looking = loop.call_later(LOOK_SECONDS, self._look)
