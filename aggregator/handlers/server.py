"""Tornado's HTTP server with connection limit, client timeouts and graceful shutdown."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.netutil import add_accept_handler

from .stream import Limits, Stream, plain

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
BACKLOG = 1024
# file descriptors for everything else: databases, brokers, files
RESERVED_DESCRIPTORS = 128
LEAST_CONNECTIONS = 16
# Tornado's own limit of bodies answers nothing that a client could read; ours is in `incoming`
NO_LIMIT = 2**63
_FULL = plain("503 Service Unavailable").replace(b"\r\n\r\n", b"\r\nRetry-After: 5\r\n\r\n", 1)


def connections_allowed(wanted: int) -> int:
    """Return the connection limit: the configured one, or less by RLIMIT_NOFILE."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(LEAST_CONNECTIONS, soft - RESERVED_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY:
        room = 2**31
    return min(wanted, room) if wanted else room


class HttpServer(HTTPServerConnectionDelegate):
    """Serves an application through `tornado.httpserver.HTTPServer`."""

    def __init__(
        self, app: HTTPServerConnectionDelegate, limits: Limits, connections: int = 0
    ) -> None:
        self._app = app
        self._limits = limits
        self._http = HTTPServer(self, max_header_size=limits.headers, max_body_size=NO_LIMIT)
        # one periodic check of all connections is cheaper than a timer per request
        self._http.conn_params.header_timeout = None
        self._listening: list[tuple[Callable[[], None], socket.socket]] = []
        self._streams: set[Stream] = set()
        self._most = connections_allowed(connections)
        self._full = False
        self.unfinished = 0
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._looking: asyncio.TimerHandle | None = None

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these sockets."""
        for one in sockets:
            one.listen(BACKLOG)
            self._listening.append((add_accept_handler(one, self._accept), one))
        self._look()

    def stop(self) -> None:
        """Stop accepting connections; open ones stay until `close`."""
        while self._listening:
            remove, one = self._listening.pop()
            remove()
            one.close()

    async def close(self, seconds: float) -> None:
        """Wait up to `seconds` for running requests, then close all connections."""
        self.stop()
        self._http.conn_params.no_keep_alive = True
        for stream in tuple(self._streams):
            if stream.between_requests:
                stream.close()
            elif stream.request is not None:
                stream.last = True
                close_after(stream.request)
        try:
            async with asyncio.timeout(seconds):
                await self._none_left.wait()
        except TimeoutError:
            for stream in tuple(self._streams):
                stream.close()
        if self._looking is not None:
            self._looking.cancel()

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Return the receiver of the next request."""
        request: Any = request_conn
        request.stream.request = request
        return self._app.start_request(server_conn, request_conn)

    def closed(self, stream: Stream) -> None:
        """Forget a connection."""
        self._streams.discard(stream)
        if not self._streams:
            self._none_left.set()
        if self._full and len(self._streams) < self._most // 2:
            self._full = False
            log.info("connections are accepted again")

    def _accept(self, connection: socket.socket, address: Any) -> None:
        if len(self._streams) >= self._most:
            self._refuse(connection)
            return
        stream = Stream(connection, self, self._limits)
        self._streams.add(stream)
        self._none_left.clear()
        self._http.handle_stream(stream, address)

    def _refuse(self, connection: socket.socket) -> None:
        """Answer 503, and log it once until there is room again."""
        if not self._full:
            self._full = True
            log.warning(
                "%d connections are open, more are answered 503 (server.maximum_connections)",
                self._most,
            )
        connection.setblocking(False)
        try:
            connection.send(_FULL)
            connection.shutdown(socket.SHUT_WR)
            # closing with unread bytes would reset the connection and lose the response
            connection.recv(64 * 1024)
        except OSError:
            pass
        finally:
            connection.close()

    def _look(self) -> None:
        """Close connections whose deadline has passed."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for stream in tuple(self._streams):
            if stream.deadline is not None and stream.deadline < now:
                stream.close()
        self._looking = loop.call_later(LOOK_SECONDS, self._look)


def close_after(request: Any) -> None:
    """Close the connection after the response to this request.

    Tornado decides this when it reads the head, and has no API for a later decision.
    """
    request._disconnect_on_finish = True
