"""Sends requests exactly as they are given, and keeps every exchange for the reports."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..packages import of_testing
from .checks import CheckFailed

with of_testing():
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

SECRETS = ("authorization", "cookie", "key", "token", "secret", "password")
UNREMARKABLE = {"accept", "accept-encoding", "connection", "content-length", "user-agent"}
CHUNK = 64
# carries the target past urllib3, which percent-encodes what is not; never sent
_TARGET = ":target"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer; `status` is 0 when none came, and then `error` says why."""

    operation: str
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes | None
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    moment: datetime
    error: str = ""

    @property
    def text(self) -> str:
        """Return the body as text, whatever bytes it has."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """Return the only JSON document of the body; fail the case when it is not that."""
        try:
            return json.loads(self.body.decode("utf-8"), object_pairs_hook=_once)
        except ValueError as error:
            raise CheckFailed(f"{self.place}: the body is not one JSON document: {error}") from None

    @property
    def place(self) -> str:
        """Return method, path and status for a message."""
        return f"{self.method} {self.url} -> {self.status or self.error}"

    def curl(self) -> str:
        """Return the request as a command line; tokens are left for the reader to fill in."""
        parts = ["curl", "-i", "--path-as-is", "-X", self.method]
        for name, value in self.request_headers.items():
            secret = any(word in name.lower() for word in SECRETS)
            parts += ["-H", f"{name}: {'...' if secret else value}"]
        if self.request_body is not None:
            parts += ["--data-binary", self.request_body.decode("utf-8", "replace")]
        return " ".join(map(shlex.quote, [*parts, self.url]))


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach an instance; `verify` is False, True or a file with certificates."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool | str = True
    timeout: float = 10.0


class Client:
    """A thin client: nothing is followed, repeated, normalized or added but what is asked for."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._local = threading.local()

    def send(
        self,
        operation: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        chunked: bool = False,
    ) -> Exchange:
        """Send to a target (path from the root, percent-encoded, kept as it is)."""
        request = self._prepared(method, target, headers, body, chunked)
        moment, start = datetime.now().astimezone(), time.monotonic()
        status, received, content, error = 0, {}, b"", ""
        try:
            response = self._session.send(request, **self._settings(str(request.url)))
            status, received = response.status_code, dict(response.headers)
            content = response.content
        except requests.RequestException as failure:
            error = f"no answer: {_reason(failure)}"
        return Exchange(
            operation=operation,
            method=method,
            url=str(request.url),
            request_headers={
                name: str(value)
                for name, value in request.headers.items()
                if name.lower() not in UNREMARKABLE and name != _TARGET
            },
            request_body=body,
            status=0 if error else status,
            headers={name.lower(): value for name, value in received.items()},
            body=content,
            seconds=time.monotonic() - start,
            moment=moment,
            error=error,
        )

    def _prepared(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        chunked: bool,
    ) -> requests.PreparedRequest:
        base = self.connection.url.rstrip("/")
        request = requests.Request(
            method,
            base,
            headers={**self.connection.headers, **headers},
            data=_pieces(body) if chunked and body is not None else body,
        )
        prepared = self._session.prepare_request(request)
        # set afterwards, because preparing would tidy `//` and `/../` away
        prepared.url = base + target
        prepared.headers[_TARGET] = target
        return prepared

    @property
    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers["User-Agent"] = "insights-results-aggregator-rest-suite"
            for scheme in ("http://", "https://"):
                session.mount(scheme, _ExactAdapter())
        return session

    def _settings(self, url: str) -> dict[str, Any]:
        settings = self._session.merge_environment_settings(
            url, {}, False, self.connection.verify, None
        )
        return {**settings, "timeout": self.connection.timeout, "allow_redirects": False}


class _ExactRequests:
    """Connections that send the target as it was given."""

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **rest: Any
    ) -> None:
        """Send a request; an absolute URL is for a proxy and stays."""
        headers = dict(headers or {})
        target = headers.pop(_TARGET, url)
        exact = target if url.startswith("/") and target.isascii() else url
        super().request(method, exact, body=body, headers=headers, **rest)  # type: ignore[misc]


class _ExactHttp(_ExactRequests, HTTPConnection):
    pass


class _ExactHttps(_ExactRequests, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _ExactHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _ExactHttps


class _ExactAdapter(HTTPAdapter):
    """Uses these connections."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield a body in pieces, which makes it a chunked one."""
    for start in range(0, len(body), CHUNK):
        yield body[start : start + CHUNK]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one that has a key twice is as good as broken."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _reason(failure: Exception) -> str:
    """Return the innermost reason of a failed connection, which is what a person wants to know."""
    if isinstance(failure, requests.Timeout):
        return "timed out"
    if isinstance(failure, requests.exceptions.SSLError):
        return f"TLS: {_innermost(failure)}"
    return _innermost(failure)


def _innermost(failure: BaseException) -> str:
    cause = failure
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return str(cause) or type(failure).__name__
