"""`healthcheck` ends with the status of the running service's health."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.config.loading import PREFIX
from tests.program import ROOT, command


@pytest.fixture
def service() -> Iterator[http.server.HTTPServer]:
    """Give a server that is alive, and not ready."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/livez" else 503)
            self.end_headers()
            self.wfile.write(b"database: away\x1b[2J\n")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_status_is_that_of_the_service(service: http.server.HTTPServer, tmp_path: Path) -> None:
    port = service.server_port
    env = {f"{PREFIX}SERVER__ADDRESS": f"0.0.0.0:{port}", "ACG_CONFIG": "/no/such/file"}
    ended = command("healthcheck", folder=tmp_path, env=env)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout == f"http://127.0.0.1:{port}/readyz: 503: database: away\\x1b[2J\n"
    assert command("healthcheck", "--live", folder=tmp_path, env=env).returncode == 0
    url = f"http://localhost:{port}"
    ended = command("healthcheck", "--live", "--url", url, "--json", folder=tmp_path, env={})
    assert json.loads(ended.stdout)["status"] == 200


def test_no_answer_is_unhealthy_and_wrong_usage_is_status_2(tmp_path: Path) -> None:
    ended = command("healthcheck", "--url", "http://127.0.0.1:1", folder=tmp_path)
    assert ended.returncode == 1
    assert "no answer: [Errno 111] Connection refused" in ended.stdout
    ended = command("healthcheck", "--url", "127.0.0.1:1", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    ended = command("healthcheck", folder=tmp_path, env={f"{PREFIX}SERVER__ADDRESS": ":0"})
    assert ended.returncode == 2
    assert "port 0, so --url is needed" in ended.stderr


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom aggregator.__main__ import main\n"
        "main(['healthcheck', '--url', 'http://127.0.0.1:1'])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    heavy = {"sqlalchemy", "aiokafka", "asyncpg", "tornado", "rich", "asyncio", "orjson", "yaml"}
    assert loaded & heavy == set()
