"""Budgets shared by all connections: heads of requests, chunks of bodies, unread answers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

# heads up to this size cost no more than the rest of a request
SMALL_HEAD = 4096
# bytes of larger heads in memory, from their first byte to the end of the response
MOST_HEADS = 16 * 1024 * 1024
# bytes of larger heads that are parsed one after the other; percent-encoded ones take 0.2 us a byte
PARSED_AT_ONCE = 64 * 1024
# pause of the parsing, in which the loop serves others
PAUSE_SECONDS = 0.005
# bytes of unfinished heads that are read in a turn of the loop
READ_AT_ONCE = 1024 * 1024
# chunks of bodies that are parsed in a turn of the loop; each takes 40 us
CHUNKS_AT_ONCE = 100
# bytes of answers that clients have not read yet
MOST_UNREAD = 128 * 1024 * 1024


class Connection(Protocol):
    """A connection as a budget sees it."""

    def proceed(self) -> None:
        """Parse the complete head that waits for its turn."""

    def close(self) -> None:
        """Close the connection."""

    def refuse_head(self) -> None:
        """Answer that the head is too large now, and close the connection."""


class Heads:
    """Limits memory and work of heads that are larger than SMALL_HEAD."""

    def __init__(self) -> None:
        self.held = 0
        self._sizes: dict[Connection, int] = {}
        # oldest first
        self._unfinished: dict[Connection, None] = {}
        self._waiting: deque[Connection] = deque()
        self._parsed = self._read = 0
        self._paused = False

    def grow(self, connection: Connection, size: int) -> None:
        """Count an unfinished head; refuse the oldest ones while there are too many bytes."""
        if size <= SMALL_HEAD:
            return
        self._unfinished.setdefault(connection)
        self._count(connection, size)
        while self.held > MOST_HEADS and self._unfinished:
            next(iter(self._unfinished)).refuse_head()

    def finished(self, connection: Connection, size: int) -> bool:
        """Note a complete head; return True if it may be parsed now, or call `proceed` later."""
        self._unfinished.pop(connection, None)
        if size <= SMALL_HEAD:
            return True
        self._count(connection, size)
        if not self._paused and not self._waiting:
            self._spend(size)
            return True
        self._waiting.append(connection)
        return False

    def release(self, connection: Connection) -> None:
        """Forget the head of a connection: its response is complete, or it is closed."""
        size = self._sizes.pop(connection, 0)
        if size:
            self.held -= size
            self._unfinished.pop(connection, None)

    def may_read(self, size: int) -> bool:
        """Return False if a head of which so much has come must wait for the next turn."""
        if size <= SMALL_HEAD:
            return True
        if self._read == 0:
            asyncio.get_running_loop().call_soon(self._turn)
        self._read += 1
        return self._read <= READ_AT_ONCE // (64 * 1024)

    def _turn(self) -> None:
        self._read = 0

    def _count(self, connection: Connection, size: int) -> None:
        self.held += size - self._sizes.get(connection, 0)
        self._sizes[connection] = size

    def _spend(self, size: int) -> None:
        self._parsed += size
        if self._parsed >= PARSED_AT_ONCE:
            self._paused = True
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._resume)
        elif self._parsed == size:
            asyncio.get_running_loop().call_soon(self._refill)

    def _refill(self) -> None:
        if not self._paused:
            self._parsed = 0

    def _resume(self) -> None:
        self._paused, self._parsed = False, 0
        while self._waiting and not self._paused:
            connection = self._waiting.popleft()
            # a closed connection has given its share back
            size = self._sizes.get(connection)
            if size is not None:
                self._spend(size)
                connection.proceed()


class Chunks:
    """Limits the work of chunks in a turn of the loop, over all connections."""

    def __init__(self) -> None:
        self._parsed = 0
        self._waiting: deque[tuple[asyncio.Future[bytes], bytes]] = deque()

    def take(self, line: asyncio.Future[bytes]) -> asyncio.Future[bytes]:
        """Return the future of a chunk's size line, or one that is done in a later turn."""
        if self._parsed == 0:
            asyncio.get_running_loop().call_soon(self._turn)
        self._parsed += 1
        if self._parsed <= CHUNKS_AT_ONCE and not self._waiting:
            return line
        later: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((later, line.result()))
        return later

    def _turn(self) -> None:
        self._parsed = 0
        for _ in range(min(CHUNKS_AT_ONCE, len(self._waiting))):
            later, line = self._waiting.popleft()
            self._parsed += 1
            if not later.done():
                later.set_result(line)
        if self._parsed:
            asyncio.get_running_loop().call_soon(self._turn)


class Unread:
    """Limits the memory of answers that wait for their clients to read them."""

    def __init__(self) -> None:
        self.held = 0
        # least recent progress first
        self._sizes: dict[Connection, int] = {}

    def set(self, connection: Connection, size: int, *, progress: bool) -> None:
        """Note how much is unread; while it is too much, close those that read the least."""
        before = self._sizes.get(connection, 0)
        if progress or not size:
            self._sizes.pop(connection, None)
        if size:
            self._sizes[connection] = size
        self.held += size - before
        # what gets less closes nobody
        while size > before and self.held > MOST_UNREAD:
            slowest = next(iter(self._sizes))
            if slowest is connection:
                return
            slowest.close()
