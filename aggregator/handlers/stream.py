"""Tornado's IOStream of a client connection, with deadlines and limits on the request head."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, UnsatisfiableReadError

from .budgets import Chunks, Heads, Unread

# Tornado allocates and clears a buffer of this size for each read; its default is 64 KiB
READ_BYTES = 16 * 1024
# bytes of a response that the client must read to extend its deadline
PROGRESS = 64 * 1024
# parsing the lines of a head takes 4 us each
MOST_HEAD_LINES = 1000
# the end of a head may start this many bytes before the last read
_END_OF_HEAD = 2
# Tornado's response to invalid HTTP has neither length nor body
_BARE_REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"


def plain(status: str) -> bytes:
    """Return a complete response for a request that reaches no handler."""
    head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close"
    return f"HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {len(status)}\r\n\r\n{status}".encode()


_REFUSAL = plain("400 Bad Request")
_TOO_LONG = plain("431 Request Header Fields Too Large")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits: bytes of a request head, and client timeouts in seconds.

    `idle` applies between two requests, `request` to sending one and to reading each piece of the
    response.
    """

    headers: int
    idle: float
    request: float


class Owner(Protocol):
    """The server, which accepted the connection."""

    heads: Heads
    chunks: Chunks
    unread: Unread

    def waiting(self, stream: Stream) -> None:
        """Note that the connection waits for a request."""

    def busy(self, stream: Stream) -> None:
        """Note that a request has arrived on the connection."""

    def closed(self, stream: Stream) -> None:
        """Remove the connection."""


class Stream(IOStream):
    """A client connection with a deadline for the client's present step.

    `deadline` is by the loop's clock; None while a handler is at work. `request` is the request
    whose head is expected or being answered.
    """

    def __init__(self, sock: socket.socket, owner: Owner, limits: Limits) -> None:
        # the size of the buffer limits what is read, never what is written
        super().__init__(
            sock, max_buffer_size=limits.headers + 4 * 64 * 1024, read_chunk_size=READ_BYTES
        )
        self._owner = owner
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._heading = False
        self._searched = 0
        # bytes of the complete head that waits to be parsed
        self._complete = 0
        self._untaken = self._unread = 0
        self._progress = False
        self.request: HTTP1Connection | None = None
        self.last = False
        self.deadline: float | None = self._clock() + limits.idle
        super().set_nodelay(True)

    @property
    def between_requests(self) -> bool:
        """Return True if no request is running: no complete head has arrived."""
        return self._heading

    def set_nodelay(self, value: bool) -> None:
        """Ignore: TCP_NODELAY stays on, since each response is one write."""

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Future[bytes]:
        """Start reading a request head."""
        self._heading = True
        self._searched = self._complete = 0
        self._owner.heads.release(self)
        self._owner.waiting(self)
        begun = self._read_buffer_size > 0
        self._allow(self._limits.request if begun else self._limits.idle)
        if self.last and not begun:
            self.close()
        head = cast("Future[bytes]", super().read_until_regex(regex, max_bytes))
        if head.done():
            self._headed(head)
        else:
            head.add_done_callback(self._headed)
        return head

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Future[bytes]:
        """Read the line before a chunk of a body."""
        line = cast("Future[bytes]", super().read_until(delimiter, max_bytes))
        if line.done() and line.exception() is None:
            return self._owner.chunks.take(line)
        return line

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read; a half-closed connection still gets its response."""
        count = super().read_from_fd(buf)
        if count and self._heading and self._read_buffer_size == 0:
            self._allow(self._limits.request)
        if count == 0 and not self.reading() and self.request is not None:
            self.io_loop.add_callback(self._listen_no_more)
            return None
        return count

    def write(self, data: bytes | memoryview) -> Future[None]:
        """Write, with a deadline for the client to read it."""
        written = super().write(_REFUSAL if data == _BARE_REFUSAL else data)
        if not written.done():
            self._allow(self._limits.request)
        return written

    def write_to_fd(self, data: memoryview) -> int:
        """Extend the deadline of a client that reads its response."""
        count = super().write_to_fd(data)
        self._untaken += count
        if self._untaken >= PROGRESS:
            self._untaken = 0
            self._progress = True
            if self.deadline is not None:
                self._allow(self._limits.request)
        return count

    def _handle_write(self) -> None:
        super()._handle_write()
        if not self.closed():
            unread = len(self._write_buffer)
            if unread or self._unread:
                self._owner.unread.set(self, unread, progress=self._progress)
            self._unread, self._progress = unread, False

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Set the close callback, which is set while a handler runs.

        Tornado would listen for a half-close meanwhile. A pipelined request would wake it
        up, too, and the handler runs to its end in any case.
        """
        if callback is not None and not self.writing():
            self.deadline = None
        self._close_callback = callback

    def close(self, exc_info: Any = False) -> None:
        """Close; answer 431 or 400 first if a head or a chunk's line is too long."""
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            with contextlib.suppress(OSError):
                self.socket.send(_TOO_LONG if self._heading else _REFUSAL)
            # the error's traceback keeps this object until cycles are collected
            self._read_buffer = bytearray()
            self._read_buffer_size = 0
        super().close(exc_info)

    def close_fd(self) -> None:
        """Close the socket."""
        super().close_fd()
        self._owner.heads.release(self)
        self._owner.unread.set(self, 0, progress=False)
        self._owner.closed(self)

    def refuse_head(self) -> None:
        """Answer 431 and close, since heads of requests take all the memory they may have."""
        self.close(UnsatisfiableReadError("too many bytes of heads"))

    def proceed(self) -> None:
        """Parse the complete head."""
        size, self._complete = self._complete, 0
        if not self.closed():
            self._read_from_buffer(size)

    def _headed(self, head: Future[bytes]) -> None:
        if not head.cancelled() and head.exception() is None:
            self._heading = False
            self._owner.busy(self)

    def _read_to_buffer_loop(self) -> int | None:
        """Read one piece of a head, so that other connections have their turn."""
        if self._read_regex is None:
            return super()._read_to_buffer_loop()
        if self._complete:
            return None
        if self._owner.heads.may_read(self._read_buffer_size):
            self._read_to_buffer()
        return self._find_read_pos()

    def _find_read_pos(self) -> int | None:
        """Return the end of the head, searching each byte once, when it may be parsed.

        Tornado searches all of an unfinished head again for each byte that comes, with an
        expression that takes 15 ms for 1 MiB.
        """
        if self._read_regex is None:
            return super()._find_read_pos()
        if self._complete or self.closed():
            return None
        ends = [
            found + len(mark)
            for mark in (b"\n\n", b"\n\r\n")
            if (found := self._read_buffer.find(mark, self._searched)) >= 0
        ]
        end = min(ends, default=self._read_buffer_size)
        # `close` answers a limit error with 431
        self._check_max_bytes(self._read_regex, end)
        if not ends:
            self._searched = max(0, end - _END_OF_HEAD)
            self._owner.heads.grow(self, end)
            return None
        if self._read_buffer.count(b"\n", 0, end) > MOST_HEAD_LINES:
            raise UnsatisfiableReadError(f"more than {MOST_HEAD_LINES} lines")
        if self._owner.heads.finished(self, end):
            return end
        self._complete = end
        self.io_loop.add_callback(self._pause)
        return None

    def _pause(self) -> None:
        """Do not listen while a complete head waits."""
        if self._complete:
            self._stop_listening()

    def _allow(self, seconds: float) -> None:
        self.deadline = self._clock() + seconds

    def _listen_no_more(self) -> None:
        """Stop listening for a half-close until the next read or write."""
        if not self.reading():
            self._stop_listening()

    def _stop_listening(self) -> None:
        if not self.closed() and self._state is not None:
            self.io_loop.remove_handler(self.fileno())
            self._state = None
            if self.writing():
                self._add_io_state(self.io_loop.WRITE)
