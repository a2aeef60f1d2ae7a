"""Receives a request: routes and rejects by its head, then collects the body within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from ..errors import AggregatorError, TooLarge, Unavailable
from .forms import (
    bad_framing,
    origin_form,
    says_close,
    unmet_expectation,
)
from .server import close_after
from .stream import plain

# only the profile takes parameters, and these are short
LONGEST_QUERY = 8 * 1024
# an unneeded body is discarded up to this size, then the connection is closed
DRAINED = 1024**3
# chunks of a body are joined to pieces of at least this size
LEAST_PART = 64 * 1024
# keep a connection alive if no more than this is to be discarded
KEPT = 256 * 1024


@dataclass(slots=True)
class Bodies:
    """Counts body bytes in memory over all requests of the process."""

    most: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """The handler of a request. `final`: the body does not change the response.

    `most_body` is how many bytes the body may have.
    """

    handler: type[Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False
    most_body: int = 0


class Destination(Protocol):
    """The application."""

    bodies: Bodies

    def find(self, request: HTTPServerRequest) -> Found:
        """Return the handler of a request."""

    def refusal(self, request: HTTPServerRequest, found: Found) -> AggregatorError | None:
        """Return the error that rejects the request regardless of its body."""

    def refused(self, found: Found, error: AggregatorError) -> Found:
        """Return the handler that answers with this error."""

    def execute(self, request: HTTPServerRequest, found: Found, body: Body) -> None:
        """Execute the handler."""


class Body:
    """The body of a request, counted until it is released."""

    __slots__ = ("_bodies", "_parts", "size")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._parts: list[bytes | bytearray] = []
        self.size = 0

    def add(self, part: bytes) -> bool:
        """Add a chunk; return False if a limit is exceeded."""
        if self._bodies.held + len(part) > self._bodies.most:
            return False
        self._bodies.held += len(part)
        self.size += len(part)
        # a two byte chunk kept as its own object would take 50 bytes
        if self._parts and len(self._parts[-1]) < LEAST_PART:
            self._parts[-1] += part
        else:
            self._parts.append(bytearray(part))
        return True

    def read(self) -> bytes:
        """Return the whole body."""
        whole = b"".join(self._parts)
        self._parts = [whole]
        return whole

    def drop(self) -> None:
        """Free the bytes; what was read of them is counted in their place."""
        self._parts = []

    def release(self) -> None:
        """Free the body."""
        self._bodies.held -= self.size
        self.size = 0
        self._parts = []


class _Early(HTTPConnection):
    """Connection wrapper for a response that is written before the body is read.

    The body has to be discarded, or its bytes would be parsed as the next request. Closing a
    connection with unread bytes resets it, and the response may be lost.
    """

    def __init__(self, connection: HTTP1Connection) -> None:
        self._connection = connection
        self.context = connection.context
        self._answered = self._read = False

    def write_headers(self, *args: Any, **kwargs: Any) -> Any:
        """Write the head of the response."""
        return self._connection.write_headers(*args, **kwargs)

    def write(self, chunk: bytes) -> Any:
        """Write a chunk of the response."""
        return self._connection.write(chunk)

    def set_close_callback(self, callback: Any) -> None:
        """Call back when the client disconnects."""
        self._connection.set_close_callback(callback)

    def finish(self) -> None:
        """Finish the response once the body is read."""
        self._answered = True
        if self._read:
            self._connection.finish()

    def read(self) -> None:
        """Note that the body is read or given up."""
        if not self._read:
            self._read = True
            if self._answered:
                self._connection.finish()


class Incoming(HTTPMessageDelegate):
    """Finds the handler, collects the body, executes the handler."""

    __slots__ = ("_app", "_body", "_connection", "_drained", "_early", "_found", "_request")

    def __init__(self, app: Destination, connection: HTTP1Connection) -> None:
        self._app = app
        self._connection = connection
        self._body = Body(app.bodies)
        self._early: _Early | None = None
        self._drained = 0

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        """Find the handler; answer rejected requests at once."""
        # for mypy: a server gets nothing else
        assert isinstance(start_line, RequestStartLine)  # noqa: S101
        line = start_line._replace(path=origin_form(start_line))
        self._request = _request(self._connection, line, headers)
        if "Connection" in headers and says_close(headers):
            close_after(self._connection)
        framed = "Content-Length" in headers or "Transfer-Encoding" in headers
        status = unmet_expectation(line, headers, framed=framed) or (
            framed and bad_framing(line, headers)
        )
        if status:
            self._connection.stream.write(plain(status))
            self._connection.close()
            raise HTTPInputError(status)
        self._found = self._app.find(self._request)
        if framed:
            self._before_body(headers)

    def data_received(self, chunk: bytes) -> None:
        """Add a chunk of the body."""
        if self._early is not None:
            self._drained += len(chunk)
            if self._drained > DRAINED:
                self._early.read()
                self._connection.close()
        elif self._body.size + len(chunk) > self._found.most_body:
            self._refuse(self._too_large(), None)
        elif not self._body.add(chunk):
            self._refuse(Unavailable("bodies of requests take all the memory they may have"), None)

    def finish(self) -> None:
        """Execute the handler with the whole body."""
        if self._early is not None:
            self._early.read()
        else:
            self._app.execute(self._request, self._found, self._body)

    def on_connection_close(self) -> None:
        """Free the body after the client has disconnected."""
        self._body.release()

    def _before_body(self, headers: HTTPHeaders) -> None:
        length = _length(headers)
        if length == 0:
            return
        error = self._app.refusal(self._request, self._found)
        if error is None and length is not None and length > self._found.most_body:
            error = self._too_large()
        if error is not None:
            self._refuse(error, length)
        elif self._found.final:
            self._answer(self._found, length)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"request body is longer than {self._found.most_body} bytes (server.maximum_body_size)"
        )

    def _refuse(self, error: AggregatorError, length: int | None) -> None:
        self._answer(self._app.refused(self._found, error), length)

    def _answer(self, found: Found, length: int | None) -> None:
        """Execute the handler now; discard the rest of the body."""
        self._body.release()
        self._early = _Early(self._connection)
        self._request.connection = self._early
        if length is None or length > KEPT:
            close_after(self._connection)
        if self._request.headers.pop("Expect", None) is not None:
            # the client waits for 100 Continue and will not send the body
            close_after(self._connection)
            self._early.read()
        self._app.execute(self._request, found, self._body)


def _request(
    connection: HTTPConnection, line: RequestStartLine, headers: HTTPHeaders
) -> HTTPServerRequest:
    """Return the request; no parameters are parsed of a long query, which takes a second a MiB."""
    path, _, query = line.path.partition("?")
    if len(query) <= LONGEST_QUERY:
        return HTTPServerRequest(connection=connection, start_line=line, headers=headers)
    short = line._replace(path=path)
    request = HTTPServerRequest(connection=connection, start_line=short, headers=headers)
    request.uri, request.query = line.path, query
    return request


def _length(headers: HTTPHeaders) -> int | None:
    """Return Content-Length; Tornado rejects invalid ones."""
    text = headers.get("Content-Length", "").partition(",")[0]
    return int(text[:30]) if text.isascii() and text.isdigit() else None
