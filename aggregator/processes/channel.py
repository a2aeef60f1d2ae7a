"""Socket pair between two processes, with length-prefixed JSON messages."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import orjson

_LENGTH_BYTES = 4


class Channel:
    """One end of a socket pair, in an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sock: socket.socket) -> Channel:
        """Take over a socket."""
        return cls(*await asyncio.open_unix_connection(sock=sock))

    def send(self, *message: Any) -> None:
        """Send a message; it is lost if the other process has ended."""
        if not self._writer.is_closing():
            self._writer.write(frame(message))

    @property
    def backlog(self) -> int:
        """Return the number of bytes that the other process has not read yet."""
        return self._writer.transport.get_write_buffer_size()

    async def receive(self) -> Any:
        """Return the next message; raise EOFError when the other process has ended."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES))
            return orjson.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise EOFError from error

    async def flush(self, seconds: float) -> None:
        """Wait until the other process has read everything, at most this long."""
        try:
            async with asyncio.timeout(seconds):
                while self.backlog and not self._writer.is_closing():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return

    def close(self) -> None:
        """Close this end at once."""
        self._writer.transport.abort()


def frame(message: Any) -> bytes:
    """Encode a message with its length."""
    text = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    return len(text).to_bytes(_LENGTH_BYTES) + text


def read_frame(fd: int) -> Any:
    """Read one message from a file descriptor, blocking; raise EOFError or OSError."""
    length = int.from_bytes(_read(fd, _LENGTH_BYTES))
    return orjson.loads(_read(fd, length))


def _read(fd: int, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = os.read(fd, count - len(found))
        if not more:
            raise EOFError
        found += more
    return found
