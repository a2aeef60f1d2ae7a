"""One client's connection: HTTP/1.1 read by llhttp, answered by Tornado's handlers.

Tornado's own stream and parser are written in Python and cost more than all the rest of a small
answer. Handlers see the interface that they know, `tornado.httputil.HTTPConnection`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, in bytes, and how long it may take for it, in seconds.

    A body is read to its end up to `drained` bytes; then the connection is cut.
    """

    headers: int
    drained: int
    idle: float
    request: float


class Host(Protocol):
    """Whoever accepted the connection."""

    def opened(self, connection: Connection) -> None:
        """Take note of a connection."""

    def closed(self, connection: Connection) -> None:
        """Forget it."""

    def handler(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        """Return who answers a request."""

    def date(self) -> str:
        """Return the value of the header `Date`."""


class _Refused(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class _Request:
    """A request that is being read, or waits for its turn."""

    __slots__ = ("delegate", "headers", "keep", "size", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers = HTTPHeaders()
        self.size = 0
        self.keep = False
        self.delegate: HTTPMessageDelegate | None = None


class Connection(asyncio.Protocol, HTTPConnection):
    """Reads requests and has them answered one after the other, in their order.

    `deadline` is when the client has taken too long, by the loop's clock; None while it is our
    turn.
    """

    def __init__(self, host: Host, limits: Limits) -> None:
        self._host = host
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(self)
        self._transport: Any = None
        self._reading: _Request | None = None
        self._waiting: deque[_Request] = deque()
        self._answering: _Request | None = None
        self._gone: Callable[[], None] | None = None
        self._last = self._blocked = self._held = False
        self.deadline: float | None = self._loop.time() + limits.idle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the handler at work that nobody waits for it any more."""
        self._host.closed(self)
        self._waiting.clear()
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._last:
            return
        self.on_message_begin()
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            # we stay with HTTP/1.1; what follows would be something else
            self._last = True
        except HttpParserError as error:
            # what our callbacks raise comes wrapped
            reason = error.__context__
            self._refuse(reason.status if isinstance(reason, _Refused) else HTTPStatus.BAD_REQUEST)
        self._regulate()

    def pause_writing(self) -> None:
        """Do nothing more for a client that does not take its answers."""
        self._blocked = True
        self.deadline = self._loop.time() + self._limits.request
        self._regulate()

    def resume_writing(self) -> None:
        """Go on."""
        self._blocked = False
        self.deadline = self._loop.time() + self._limits.request if self._reading else None
        self._next()

    def close(self) -> None:
        """Close as soon as what was asked for is answered."""
        self._last = True
        if self._answering is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    # the parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request, unless its first bytes have come already."""
        if self._reading is None:
            self._reading = _Request()
            self.deadline = self._loop.time() + self._limits.request

    def on_url(self, part: bytes) -> None:
        """Take a part of the target."""
        request = self._read(len(part))
        request.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        request = self._read(len(name) + len(value))
        try:
            request.headers.add(name.decode("latin1"), value.decode("latin1"))
        except HTTPInputError:
            raise _Refused(HTTPStatus.BAD_REQUEST) from None

    def on_headers_complete(self) -> None:
        """Find out who answers."""
        request = self._read(0)
        request.keep = self._parser.should_keep_alive()
        line = RequestStartLine(
            self._parser.get_method().decode("latin1"),
            request.target.decode("latin1"),
            f"HTTP/{self._parser.get_http_version()}",
        )
        try:
            asked = HTTPServerRequest(connection=self, start_line=line, headers=request.headers)
        except HTTPInputError:
            raise _Refused(HTTPStatus.BAD_REQUEST) from None
        request.delegate = self._host.handler(asked)
        request.size = 0
        if request.headers.get("Expect", "").lower() == "100-continue":
            self._transport.write(CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        """Pass a part of the body on."""
        request = self._reading
        assert request is not None
        assert request.delegate is not None
        request.size += len(chunk)
        if request.size > self._limits.drained:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        request.delegate.data_received(chunk)

    def on_message_complete(self) -> None:
        """Have it answered when its turn comes."""
        assert self._reading is not None
        self._waiting.append(self._reading)
        self._reading = None
        self.deadline = None
        if self._answering is None:
            self._next()

    def _read(self, size: int) -> _Request:
        """Return the request whose head is being read, so many bytes longer now."""
        request = self._reading
        assert request is not None
        request.size += size
        if request.size > self._limits.headers:
            raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return request

    # the handlers' interface

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Call this when the client goes away before it has its answer."""
        self._gone = callback

    def write_headers(
        self,
        start_line: Any,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Write the beginning of the answer; all of it, when the handler wrote it in one piece."""
        assert isinstance(start_line, ResponseStartLine)
        assert self._answering is not None
        request, code = self._answering, start_line.code
        parts = [f"HTTP/1.1 {code} {start_line.reason}\r\n"]
        if "Date" not in headers:
            parts.append(f"Date: {self._host.date()}\r\n")
        parts += [f"{name}: {value}\r\n" for name, value in headers.get_all()]
        # without a length the end of the connection is the end of the answer
        if "Content-Length" not in headers and code not in WITHOUT_BODY:
            request.keep = False
        if not request.keep or self._last:
            parts.append("Connection: close\r\n")
        elif request.headers.get("Connection", "").lower() == "keep-alive":
            parts.append("Connection: keep-alive\r\n")
        parts.append("\r\n")
        return self.write("".join(parts).encode("latin1") + (chunk or b""))

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Write more of the answer."""
        if not self._transport.is_closing():
            self._transport.write(chunk)
        written = self._loop.create_future()
        written.set_result(None)
        return written

    def finish(self) -> None:
        """End the answer, and turn to the next request."""
        request, self._answering = self._answering, None
        assert request is not None
        if not request.keep or (self._last and not self._waiting):
            self._waiting.clear()
            self._transport.close()
        elif self._waiting:
            # this one is not quite done: its handler has to return first
            self._loop.call_soon(self._next)
        elif self._reading is None and not self._blocked:
            self.deadline = self._loop.time() + self._limits.idle

    def _next(self) -> None:
        """Begin to answer the next request, if there is one and the client takes answers."""
        if self._answering is None and self._waiting and not self._blocked:
            self._answering = self._waiting.popleft()
            assert self._answering.delegate is not None
            self._answering.delegate.finish()
        elif self._answering is None and self._reading is None and not self._blocked:
            self.deadline = self._loop.time() + self._limits.idle
        self._regulate()

    def _regulate(self) -> None:
        """Read from the client only while there is nothing that waits for its turn."""
        hold = self._blocked or bool(self._waiting)
        if hold is not self._held and not self._transport.is_closing():
            self._held = hold
            if hold:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what cannot be read, after what could be, and close."""
        self._reading = None
        self._last = True
        if self._answering is None and not self._waiting:
            text = f"{status.value} {status.phrase}"
            head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close"
            answer = f"HTTP/1.1 {text}\r\n{head}\r\nContent-Length: {len(text)}\r\n\r\n{text}"
            self._transport.write(answer.encode())
            self._transport.close()
