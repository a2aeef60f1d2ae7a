"""The limit of request bodies: what is longer is read away and answered with 413."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine


class LimitedBody(HTTPMessageDelegate):
    """Passes a request on, or to `too_large()` when its body is longer than `limit` bytes.

    Counting here covers chunked bodies, too, and never keeps more than the limit in memory.
    """

    def __init__(
        self, inner: HTTPMessageDelegate, too_large: Callable[[], HTTPMessageDelegate], limit: int
    ) -> None:
        self._inner = inner
        self._too_large = too_large
        self._left = limit

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Pass the headers on."""
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass the bytes on as long as there is room."""
        self._left -= len(chunk)
        return self._inner.data_received(chunk) if self._left >= 0 else None

    def finish(self) -> None:
        """Let the right one answer."""
        (self._inner if self._left >= 0 else self._too_large()).finish()

    def on_connection_close(self) -> None:
        """Tell that the client went away."""
        self._inner.on_connection_close()
