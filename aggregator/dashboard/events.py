"""Server-sent events: the status document once a second, to each page that is open.

The first listener starts the loop that asks for the document, the last one ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
from tornado.iostream import StreamClosedError

from ..errors import Unavailable
from ..model import OrgId
from .base import DashboardHandler

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
MOST_LISTENERS = 50
# events that a page may be behind
MOST_LATE = 5
# of an invalid message of another organization, what counts and names nothing
_OF_ANYBODY = ("number", "at", "topic", "partition", "offset", "kind")


class Listener(Protocol):
    """An open page."""

    scope_of_events: OrgId | None
    seen: int

    def push(self, data: bytes) -> bool:
        """Send the data; return False if the page is late, which gets none of it."""

    def end(self) -> None:
        """End the stream."""


class Hub:
    """The pages that listen to this process; `source` returns the document as JSON text."""

    def __init__(self, source: Callable[[], Awaitable[str]], most: int = MOST_LISTENERS) -> None:
        self._source = source
        self._most = most
        self._listeners: set[Listener] = set()
        self._loop: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def running(self) -> bool:
        """Return True while somebody looks."""
        return self._loop is not None

    def enter(self, listener: Listener) -> None:
        """Add a page; raise Unavailable when there are too many, or the service stops."""
        if self._closed or len(self._listeners) >= self._most:
            raise Unavailable(f"dashboard: {len(self._listeners)} pages listen already")
        self._listeners.add(listener)
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(self._failed)

    def leave(self, listener: Listener) -> None:
        """Remove a page."""
        self._listeners.discard(listener)
        if not self._listeners and self._loop is not None:
            self._loop.cancel()
            self._loop = None

    def close(self) -> None:
        """End all streams, and take no more."""
        self._closed = True
        for listener in tuple(self._listeners):
            listener.end()
            self.leave(listener)

    def _failed(self, loop: asyncio.Task[None]) -> None:
        """End all streams after an unexpected error; the pages connect again."""
        if loop.cancelled() or loop is not self._loop:
            return
        log.error("dashboard: unexpected error", exc_info=loop.exception())
        for listener in tuple(self._listeners):
            listener.end()
            self.leave(listener)

    async def _run(self) -> None:
        while True:
            try:
                document = orjson.loads(await self._source())
            except Unavailable as error:
                self._send(event("unavailable", {"reason": str(error)}))
            else:
                self._publish(document)
            await asyncio.sleep(INTERVAL_SECONDS)

    def _publish(self, document: dict[str, Any]) -> None:
        """Send the document to all; the invalid messages only to those who have not all of them."""
        messages: list[dict[str, Any]] = document.pop("invalid")
        status = event("status", document)
        last = messages[0]["number"] if messages else 0
        made: dict[OrgId | None, bytes] = {}
        for listener in tuple(self._listeners):
            if listener.seen == last:
                listener.push(status)
                continue
            scope = listener.scope_of_events
            if scope not in made:
                made[scope] = status + event("invalid", visible(messages, scope))
            if listener.push(made[scope]):
                listener.seen = last

    def _send(self, data: bytes) -> None:
        for listener in tuple(self._listeners):
            listener.push(data)


def event(name: str, data: Any) -> bytes:
    """Return an event as it is sent."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))


def visible(messages: list[dict[str, Any]], scope: OrgId | None) -> list[dict[str, Any]]:
    """Return the messages; of other organizations than `scope`, only kind and place."""
    return [
        one
        if scope is None or one["organization"] == scope
        else {name: one[name] for name in _OF_ANYBODY} | {"hidden": True}
        for one in messages
    ]


class EventsHandler(DashboardHandler):
    """The stream of one page; it ends when the page is closed or does not keep up."""

    def initialize(self, *, hub: Hub, **kwargs: Any) -> None:
        """Take the hub."""
        self._take(**kwargs)
        self._hub = hub
        self._ended = asyncio.Event()
        self._sending: asyncio.Future[None] | None = None
        self._behind = 0
        self.scope_of_events: OrgId | None = None
        # -1: the first event has all invalid messages, also when there are none
        self.seen = -1

    async def get(self) -> None:
        """Send events until the end."""
        self.scope_of_events = self.scope()
        self._hub.enter(self)
        self.cancel_timeout()
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # for nginx in front, which buffers answers
        self.set_header("X-Accel-Buffering", "no")
        try:
            self.push(b"retry: 1000\n\n")
            await self._ended.wait()
        finally:
            self._hub.leave(self)
        with contextlib.suppress(StreamClosedError):
            await self.finish()

    def push(self, data: bytes) -> bool:
        """Send the data; drop it while the page is late, and end the stream of a slow page."""
        if self._ended.is_set():
            return False
        if self._sending is not None and not self._sending.done():
            self._behind += 1
            if self._behind > MOST_LATE:
                log.info("dashboard: a page does not keep up, its stream is ended")
                self.end()
                self.abort()
            return False
        self._behind = 0
        self.write(data)
        self._sending = asyncio.ensure_future(self._flush())
        return True

    async def _flush(self) -> None:
        try:
            await self.flush()
        except StreamClosedError:
            self.end()

    def end(self) -> None:
        """Let `get` return."""
        self._ended.set()

    def abort(self) -> None:
        """Close the connection, which has unsent data."""
        if self.request.connection is not None:
            stream = self.detach()
            stream.close()

    def on_connection_close(self) -> None:
        """End with the page."""
        self.end()
