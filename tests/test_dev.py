"""`dev` as a user meets it: started as a process, asked over HTTP, ended with Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.dev_process import running, start

FIXTURES = Path(__file__).parent.parent / "fixtures" / "messages" / "ocp"
SECONDS = 60


def get(url: str) -> Any:
    """Return the JSON document at the URL; raise for every status but 200."""
    with urlopen(url, timeout=SECONDS) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Give the proposed URLs of a service that runs for all tests of this module."""
    with running(tmp_path_factory.mktemp("dev"), "--rate", "50") as dev:
        yield dev.urls


def test_the_proposed_requests_show_a_cluster_of_the_fixtures(urls: list[str]) -> None:
    organizations, clusters, report, workloads = (get(url) for url in urls)
    organization = int(re.findall(r"organizations/(\d+)", urls[1])[0])
    cluster = re.findall(r"clusters/([^/]+)/", urls[2])[0]
    assert organization in organizations["organizations"]
    assert cluster in clusters["clusters"]
    stored = json.loads((FIXTURES / "ten_hits_of_organization_1.json").read_text())
    assert cluster == stored["ClusterName"]
    assert report["report"]["meta"]["count"] == len(stored["Report"]["reports"])
    assert workloads["workloads"]


def test_every_cluster_of_the_fixtures_can_be_read(urls: list[str]) -> None:
    base = urls[0].removesuffix("organizations")
    listed = {
        cluster
        for organization in get(urls[0])["organizations"]
        for cluster in get(f"{base}organizations/{organization}/clusters")["clusters"]
    }
    sent = {json.loads(file.read_text())["ClusterName"] for file in FIXTURES.glob("*.json")}
    assert sent <= listed


def test_further_messages_keep_coming(urls: list[str]) -> None:
    def clusters() -> int:
        base = urls[0].removesuffix("organizations")
        return len(get(f"{base}organizations/1001/clusters")["clusters"])

    before, deadline = clusters(), time.monotonic() + SECONDS
    while clusters() <= before:
        assert time.monotonic() < deadline, "no further cluster reported"
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_complaint(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, "--rate", "50") as dev:
        dev.process.send_signal(number)
        said, complaints = dev.process.communicate(timeout=SECONDS)
        assert (dev.process.returncode, complaints) == (0, "")
        assert said.strip().endswith("Stopped.")
    assert not list(tmp_path.iterdir()), "the temporary database is left behind"


def test_a_named_folder_keeps_the_data(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    stored_at = []
    for _ in range(2):
        with running(tmp_path, "--data", str(kept), "--rate", "0") as dev:
            stored_at.append(get(f"{dev.urls[2]}/info")["metainfo"]["stored_at"])
            dev.process.send_signal(signal.SIGINT)
            assert dev.process.wait(SECONDS) == 0
    assert stored_at[0] == stored_at[1]


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("localhost", 0)) as other:
        port = other.getsockname()[1]
        process = start(tmp_path, "--port", str(port))
        said, complaints = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert said.startswith(f"dev: cannot listen on 'localhost:{port}': ")
    assert said.count("\n") == 1
    assert "Traceback" not in complaints
