"""What Sentry receives: the real client against an endpoint in this process."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

# the client changes `logging` for the whole process
PROGRAM = """
import logging, sys
from aggregator import logs, request_id
from aggregator.config.options import Config, LoggingConfig, SentryConfig

logs.setup(
    Config(
        logging=LoggingConfig(logging_to_sentry_enabled=True, use_stderr=True),
        sentry=SentryConfig(dsn=sys.argv[1], environment="stage"),
    )
)
log = logging.getLogger("aggregator.test")
log.info("no event")
log.warning("no event either")
log.error("cannot store %s", "report 1")
log.error("cannot store %s", "report 1")
log.critical("the end")
log.error("", extra={"fields": {"topic": "ccx", "offset": 3}})
request_id.begin("r-1")
try:
    password = "hunter" + str(2)
    raise ValueError("no number")
except ValueError:
    log.exception("")

from tornado.web import RequestHandler
print(RequestHandler._execute.__module__)
"""


class Endpoint(HTTPServer):
    """Answers as Sentry does, and keeps the events."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.events: list[dict[str, Any]] = []


class Answering(BaseHTTPRequestHandler):
    """Takes one envelope: a line of JSON, then pairs of a header and an item."""

    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        lines = [json.loads(line) for line in body.splitlines() if line]
        for header, item in zip(lines[1::2], lines[2::2], strict=False):
            if header.get("type") == "event":
                self.server.events.append(item)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    pytest.importorskip("sentry_sdk")
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_error_reaches_sentry_also_without_a_message(endpoint: Endpoint) -> None:
    dsn = f"http://key@127.0.0.1:{endpoint.server_port}/1"
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, dsn], capture_output=True, text=True, timeout=60
    )
    # Tornado is left as it is
    assert ended.stdout == "tornado.web\n", ended.stderr
    first, again, fatal, fields, failed = endpoint.events
    assert (first["level"], first["environment"]) == ("error", "stage")
    assert first["fingerprint"] == again["fingerprint"] == ["cannot store report 1"]
    assert (fatal["level"], fatal["fingerprint"]) == ("fatal", ["the end"])
    assert fields["logentry"]["message"] == "topic=ccx offset=3"
    (exception,) = failed["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "no number")
    assert failed["tags"]["request_id"] == "r-1"
    assert "hunter2" not in str(exception)
