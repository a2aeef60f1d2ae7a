"""A proxy in front of an instance that applies one mutant at a time to its answers."""

from __future__ import annotations

import gzip
import http.client
import ssl
import threading
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from testing.rest_suite.contract import OPERATIONS

from .middleware import (
    Answer,
    Forward,
    Headers,
    Middleware,
    Mutant,
    Request,
    identified,
)

# hop-by-hop headers; the lengths are computed again
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")


def untouched(request: Request, forward: Forward) -> Answer:
    """Return the answer of the instance unchanged."""
    return forward(request)


class MutatingProxy:
    """The mutating proxy, a context manager; `use` selects the mutant."""

    def __init__(
        self, target: str, *, prefix: str = "/", verify: bool = True, timeout: float = 30.0
    ) -> None:
        self.target = urlsplit(target)
        self.prefix = prefix
        self.timeout = timeout
        self.activated = 0
        self._tls = ssl.create_default_context() if self.target.scheme == "https" else None
        if self._tls is not None and not verify:
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._middleware: Middleware = untouched
        self._operations: frozenset[str] = frozenset()
        self._undo: dict[str, Request] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Return the URL of the proxy, with the path of the target."""
        return f"http://127.0.0.1:{self._server.server_port}{self.target.path.rstrip('/')}"

    def use(self, mutant: Mutant | None) -> None:
        """Apply this mutant from now on, with new state; None applies none."""
        with self._lock:
            self._middleware = mutant.make() if mutant else untouched
            self._operations = frozenset(mutant.operations) if mutant else frozenset()
            self.activated = 0

    def answer(self, request: Request, forward: Forward) -> Answer:
        """Answer a request, mutated if the current mutant concerns its operation."""
        named = identified(request, self.target.path.rstrip("/") + self.prefix)
        sent: list[tuple[Request, Answer]] = []

        def watched(request: Request) -> Answer:
            self._remember(request)
            answer = forward(request)
            sent.append((request, answer))
            return answer

        if named.operation not in self._operations and "*" not in self._operations:
            return watched(named)
        answer = self._middleware(named, watched)
        if sent != [(named, answer)]:
            with self._lock:
                self.activated += 1
        return answer

    def upstream(self) -> Upstream:
        """Return a connection to the instance."""
        return Upstream(self.target, self.timeout, self._tls)

    def undo_writes(self) -> None:
        """Undo the writes of clients since the last call, without the mutant.

        The mutant may have prevented the clean-up of the clients.
        """
        with self._lock:
            requests, self._undo = list(self._undo.values()), {}
        with closing(self.upstream()) as upstream:
            for request in requests:
                upstream.send(request)

    def _remember(self, request: Request) -> None:
        undo = OPERATIONS[request.operation].undo if request.operation else ""
        if undo and request.method == OPERATIONS[request.operation].method:
            undo_request = replace(request.as_operation(undo), body=b"")
            with self._lock:
                self._undo[undo_request.target] = undo_request


class Upstream:
    """A connection to the instance, opened when it is needed."""

    def __init__(
        self, target: SplitResult, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._target = target
        self._timeout = timeout
        self._tls = tls
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, request: Request) -> Answer:
        """Return the answer; retry once if a kept-alive connection was closed."""
        fresh = self._connection is None
        try:
            return self._exchange(request)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if fresh or not isinstance(error, http.client.RemoteDisconnected | ConnectionError):
                raise
            return self._exchange(request)

    def _exchange(self, request: Request) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        chunked = "chunked" in request.header("Transfer-Encoding").lower()
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers:
            if name.lower() not in _HOP:
                connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif request.body or request.method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None, encode_chunked=chunked)
        if chunked and not request.body:
            connection.send(b"0\r\n\r\n")
        response = connection.getresponse()
        body = response.read()
        kept = tuple(pair for pair in response.getheaders() if pair[0].lower() not in _HOP)
        return _unpacked(Answer(response.status, kept, body))

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "", self._target.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: clients disconnect at the end of a run."""


def _handler(owner: MutatingProxy) -> type[BaseHTTPRequestHandler]:
    """Return the handler class of a proxy."""

    class Handler(_ProxyHandler):
        proxy = owner

    for method in _METHODS:
        setattr(Handler, f"do_{method}", Handler.pass_on)
    return Handler


class _ProxyHandler(BaseHTTPRequestHandler):
    """Reads a request, asks the proxy for the answer, writes it."""

    proxy: MutatingProxy
    protocol_version = "HTTP/1.1"
    # send head and body in one segment, else each answer waits for a delayed ACK
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def setup(self) -> None:
        """Prepare a connection to the instance for each connection of a client."""
        super().setup()
        self._upstream = self.proxy.upstream()

    def finish(self) -> None:
        """Close both connections."""
        self._upstream.close()
        super().finish()

    def pass_on(self) -> None:
        """Serve one request."""
        headers = tuple(self.headers.items())
        request = Request(self.command, self.path, headers, self._body())
        try:
            answer = self.proxy.answer(request, self._upstream.send)
        except (OSError, http.client.HTTPException):
            answer = Answer(502, (), b"")
        if answer.status == 0:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        body = _packed(answer)
        if answer.status != http.client.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk


def _encoded(headers: Headers) -> bool:
    return ("content-encoding", "gzip") in [(name.lower(), value) for name, value in headers]


def _unpacked(answer: Answer) -> Answer:
    if not answer.body or not _encoded(answer.headers):
        return answer
    return replace(answer, body=gzip.decompress(answer.body))


def _packed(answer: Answer) -> bytes:
    return gzip.compress(answer.body, mtime=0) if _encoded(answer.headers) else answer.body
