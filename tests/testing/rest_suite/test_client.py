"""Requests go out as they are given, and come back as command lines."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from testing.rest_suite.client import Client, Connection


class Recorder(http.server.BaseHTTPRequestHandler):
    """Notes the raw target and the body of each request."""

    seen: list[tuple[str, str, bytes]]

    def do_PUT(self) -> None:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, self.headers.get("Transfer-Encoding", ""), body))
        self.send_response(301)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    class Handler(Recorder):
        seen: list[tuple[str, str, bytes]] = []  # noqa: RUF012

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", Handler.seen
        listening.shutdown()
        thread.join()


def test_a_path_is_not_tidied_and_a_redirect_not_followed(
    server: tuple[str, list[tuple[str, str, bytes]]],
) -> None:
    url, seen = server
    exchange = Client(Connection(url)).send("raw", "PUT", "/a//b/./c/../%7C%2F?x", headers={})
    assert seen == [("/a//b/./c/../%7C%2F?x", "", b"")]
    assert (exchange.status, exchange.headers["location"]) == (301, "/elsewhere")


def test_a_body_may_be_chunked(server: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    url, seen = server
    body = b"x" * 100
    Client(Connection(url)).send("like", "PUT", "/", headers={}, body=body, chunked=True)
    assert seen == [("/", "chunked", body)]


def test_an_instance_that_is_not_there_is_told() -> None:
    exchange = Client(Connection("http://127.0.0.1:9", timeout=2)).send(
        "main", "GET", "/", headers={}
    )
    assert exchange.status == 0
    assert "refused" in exchange.error


def test_a_command_line_repeats_the_request_without_its_token(
    server: tuple[str, list[tuple[str, str, bytes]]],
) -> None:
    url, _ = server
    client = Client(Connection(url, {"Authorization": "Bearer secret", "X-Api-Key": "secret"}))
    exchange = client.send("like", "PUT", "/a", headers={"X-One": "it's"}, body=b'{"a":1}')
    line = exchange.curl()
    assert "secret" not in line
    assert "'X-One: it'\"'\"'s'" in line
    assert line.startswith("curl -i --path-as-is -X PUT ")
    assert line.endswith(f"--data-binary '{{\"a\":1}}' {url}/a")
