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

from .budgets import Chunks, Heads, Unread
from .stream import Limits, Stream, plain

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
BACKLOG = 1024
# file descriptors for everything else: databases, brokers, files
RESERVED_DESCRIPTORS = 128
LEAST_CONNECTIONS = 16
# a connection takes about 10 kB
MOST_CONNECTIONS = 4096
# a connection that waited so long for a request is closed when another one needs its place
EVICTED_AFTER_SECONDS = 1.0
# seconds from one log line about too many connections to the next
REPORT_SECONDS = 60.0
# Tornado's own limit of bodies answers nothing that a client could read; ours is in `incoming`
NO_LIMIT = 2**63
_FULL = plain("503 Service Unavailable").replace(b"\r\n\r\n", b"\r\nRetry-After: 5\r\n\r\n", 1)


def connections_allowed(wanted: int) -> int:
    """Return the connection limit: the configured one or the default, or less by RLIMIT_NOFILE."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted or MOST_CONNECTIONS
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(LEAST_CONNECTIONS, soft - RESERVED_DESCRIPTORS))


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
        self._waiting: dict[Stream, float] = {}
        self._pressure = Pressure(self._most)
        self.heads = Heads()
        self.chunks = Chunks()
        self.unread = Unread()
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
        self._waiting.pop(stream, None)

    def waiting(self, stream: Stream) -> None:
        """Note that a connection waits for a request, since now."""
        self._waiting[stream] = asyncio.get_running_loop().time()

    def busy(self, stream: Stream) -> None:
        """Note that a request has arrived."""
        self._waiting.pop(stream, None)

    def _accept(self, connection: socket.socket, address: Any) -> None:
        if len(self._streams) >= self._most and not self._evict():
            self._refuse(connection)
            return
        stream = Stream(connection, self, self._limits)
        self._streams.add(stream)
        self._none_left.clear()
        self._http.handle_stream(stream, address)

    def _evict(self) -> bool:
        """Close the connection that waits longest for a request, idle or with a slow head."""
        longest = next(iter(self._waiting), None)
        now = asyncio.get_running_loop().time()
        if longest is None or now - self._waiting[longest] < EVICTED_AFTER_SECONDS:
            return False
        self._pressure.note(now, evicted=1)
        longest.close()
        return True

    def _refuse(self, connection: socket.socket) -> None:
        """Answer 503."""
        self._pressure.note(asyncio.get_running_loop().time(), refused=1)
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
        self._pressure.look(now)
        self._looking = loop.call_later(LOOK_SECONDS, self._look)


class Pressure:
    """Logs when the connection limit is reached: at once, then a count once a period."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: float | None = None
        self._evicted = self._refused = 0

    def note(self, now: float, *, evicted: int = 0, refused: int = 0) -> None:
        """Count connections that were closed or refused."""
        self._evicted += evicted
        self._refused += refused
        if self._since is None:
            self._since = now
            log.warning(
                "%d connections are open (server.maximum_connections): those that wait longest "
                "for a request are closed for new ones, or new ones are answered 503",
                self._most,
            )

    def look(self, now: float) -> None:
        """Log the counts of a period that has ended."""
        if self._since is None or now - self._since < REPORT_SECONDS:
            return
        if self._evicted or self._refused:
            log.warning(
                "connection limit of %d reached: %d waiting connections closed, %d new ones "
                "answered 503 within %.0f s",
                self._most,
                self._evicted,
                self._refused,
                now - self._since,
            )
            self._since, self._evicted, self._refused = now, 0, 0
        else:
            self._since = None
            log.info("connections are accepted again")


def close_after(request: Any) -> None:
    """Close the connection after the response to this request.

    Tornado decides this when it reads the head, and has no API for a later decision.
    """
    request._disconnect_on_finish = True
