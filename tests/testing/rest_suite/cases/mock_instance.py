"""The mock server behind `responses`: what it answers may be changed on the way."""

from __future__ import annotations

import gzip
import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import requests
import responses

from testing.fixtures import fixtures_dir
from testing.mocks.server import mock_server
from testing.mocks.thread import in_thread
from testing.rest_suite.api import Session
from testing.rest_suite.case import (
    DEPARTURES,
    READ,
    WRITE,
    Case,
)
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.contract import DEFAULT_PREFIX
from testing.rest_suite.credentials import Nobody
from testing.rest_suite.data import Claims, Inventory
from testing.rest_suite.probe import Facts
from testing.rest_suite.runner import Run
from testing.rest_suite.sources.seed_file import seeded
from testing.seed import Seed
from tests.mutation.middleware import (
    Answer,
    Middleware,
    Request,
    identified,
)

URL = "http://instance.test"
SEED = fixtures_dir() / "seed.json"


class Mock:
    """The server at an address, asked in the place of an instance with another name."""

    def __init__(self, url: str, known: Inventory) -> None:
        parts = urlsplit(url)
        self._known = known
        self._place = (parts.hostname or "", parts.port or 80)

    def outcome(
        self, case: Case, operation: str = "*", mutate: Middleware | None = None
    ) -> tuple[str, str]:
        """Run a case; return what came of it, and why. `raw` is what is no operation."""

        def respond(sent: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
            request = _received(sent)
            concerned = mutate and operation in ("*", request.operation or "raw")
            answer = mutate(request, self._ask) if mutate and concerned else self._ask(request)
            body = gzip.compress(answer.body) if _packed(answer) else answer.body
            headers = dict(answer.headers)
            if request.method == "HEAD":
                return answer.status, headers, b""
            headers.setdefault("Content-Length", str(len(body)))
            return answer.status, headers, body

        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                mock.add_callback(method, re.compile(re.escape(URL)), respond)
            session = Session(
                Client(Connection(URL)), Nobody(), Facts(profile=DEPARTURES),
                frozenset({READ, WRITE}),
            )  # fmt: skip
            result = Run(session, self._known).one(case, Claims())
        return result.outcome.value, result.reason

    def _ask(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(*self._place, timeout=10)
        try:
            connection.request(request.method, request.target, request.body, dict(request.headers))
            answer = connection.getresponse()
            found = Answer(answer.status, tuple(answer.getheaders()), answer.read())
            if request.method == "HEAD":
                return found
            # the length is that of what is left of it: another one fails before a case looks at it
            found = found.with_header("Content-Length", None)
            return replace(found, body=gzip.decompress(found.body)) if _packed(found) else found
        finally:
            connection.close()


def _packed(answer: Answer) -> bool:
    return any(
        (name.lower(), value) == ("content-encoding", "gzip") for name, value in answer.headers
    )


def _received(sent: requests.PreparedRequest) -> Request:
    target = str(sent.url).removeprefix(URL)
    body = sent.body if isinstance(sent.body, bytes) else b"".join(sent.body or ())  # type: ignore[arg-type]
    headers = tuple(
        (name, str(value))
        for name, value in sent.headers.items()
        # the pieces are put together here, and a middleware may change how long they are
        if name not in ("Transfer-Encoding", "Content-Length")
    )
    return identified(Request(str(sent.method), target, headers, body), DEFAULT_PREFIX)


@contextmanager
def mock_instance(seed: Seed | None = None, known: Inventory | None = None) -> Iterator[Mock]:
    """Run the server with a seed, the shipped one by default, for as long as the block lasts."""
    with in_thread(mock_server(seed=seed or Seed.read(SEED))) as url:
        yield Mock(url, known or seeded(str(SEED)))


def organizations() -> list[int]:
    """Return the organizations of the seed."""
    return [one.org_id for one in seeded(str(SEED)).organizations]
