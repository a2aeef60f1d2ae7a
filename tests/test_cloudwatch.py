"""What CloudWatch receives: the real client and watchtower against an endpoint in this process."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from aggregator import logs
from aggregator.config.options import CloudWatchConfig, Config, LoggingConfig

CONFIG = Config(
    logging=LoggingConfig(logging_to_cloud_watch_enabled=True),
    cloudwatch=CloudWatchConfig(
        aws_access_id="id",
        aws_secret_key="key",
        aws_region="us-east-1",
        log_group="group",
        stream_name="stream",
    ),
)


class Endpoint(HTTPServer):
    """Answers as CloudWatch Logs does, and keeps the messages that were put."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.messages: list[str] = []


class Answering(BaseHTTPRequestHandler):
    """Answers one call."""

    server: Endpoint

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {}
        if self.headers["X-Amz-Target"].endswith("PutLogEvents"):
            self.server.messages += [event["message"] for event in body["logEvents"]]
            answer = {"nextSequenceToken": "1"}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Give an endpoint that boto3 uses."""
    pytest.importorskip("watchtower")
    pytest.importorskip("boto3")
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_line_reaches_cloudwatch_also_without_a_message(endpoint: Endpoint) -> None:
    logs.setup(CONFIG)
    log = logging.getLogger("aggregator.test")
    log.info("", extra={"fields": {"OCP storage type": "sql"}})
    log.warning("%s", "")
    log.info("read %d", 3, extra={"fields": {"topic": "t"}})
    try:
        raise ValueError("no number")
    except ValueError:
        log.exception("")
    logging.getLogger().handlers[-1].close()
    lines = [json.loads(message) for message in endpoint.messages]
    assert [list(line) for line in lines] == [
        ["LEVEL", "OCP STORAGE TYPE", "TIME"],
        ["LEVEL", "TIME"],
        ["LEVEL", "TOPIC", "TIME", "MESSAGE"],
        ["LEVEL", "ERROR", "STACK", "TIME"],
    ]
    assert lines[2]["MESSAGE"] == "read 3"
