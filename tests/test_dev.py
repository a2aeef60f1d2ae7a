"""`dev` as a user meets it: started as a process, asked over HTTP, ended with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.dev_process import PACKAGES, DevProcess, running, start

FIXTURES = Path(__file__).parent.parent / "fixtures" / "messages" / "ocp"
SECONDS = 60


def get(url: str) -> Any:
    """Return the JSON document at the URL; raise for every status but 200."""
    with urlopen(url, timeout=SECONDS) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProcess]:
    """Give a `dev` that runs for all tests of this module."""
    with running(tmp_path_factory.mktemp("dev"), "--rate", "50") as started:
        yield started


@pytest.fixture(scope="module")
def urls(dev: DevProcess) -> list[str]:
    """Return the URLs that it proposes."""
    return dev.urls


def test_the_link_of_the_page_comes_first(dev: DevProcess) -> None:
    ready, docs, broker, *_ = dev.lines
    assert ready == f"Ready:  {dev.origin}/"
    for line in (ready, docs):
        with urlopen(line.split()[1], timeout=SECONDS) as response:
            assert response.headers["Content-Type"].startswith("text/html")
    assert re.fullmatch(r"broker: 127\.0\.0\.1:\d+", broker)


def run(line: str, folder: Path) -> str:
    """Run a proposed line as a shell would; return what it prints."""
    env = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(
        shlex.split(line), cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_proposed_commands_reach_its_broker(dev: DevProcess, tmp_path: Path) -> None:
    assert run(dev.command("produce"), tmp_path).startswith("1 message produced")
    said = dev.until("invalid message")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d invalid message: ccx\.ocp\.results, offset \d+: "
        r"missing_attribute: missing required attribute 'OrgID'",
        said,
    )
    lag = json.loads(run(dev.command("lag") + " --json", tmp_path))
    assert [row["topic"] for row in lag["partitions"]] == ["ccx.ocp.results"]
    assert lag["partitions"][0]["committed"] > 0
    replay = json.loads(run(dev.command("replay") + " --json", tmp_path))
    assert replay["dead_letters"] == [
        {"kind": "missing_attribute", "topic": "ccx.ocp.results", "count": 1}
    ]


def test_the_examples_of_the_readme_are_those_that_it_proposes(urls: list[str]) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    cluster = re.findall(r"CLUSTER=(\S+)", readme)[0]
    examples = re.findall(r"curl \$API/(\S+)", readme)
    shown = {example.replace("$CLUSTER", cluster) for example in examples}
    proposed = {url.partition("/v1/")[2] for url in urls}
    assert proposed <= shown


def test_a_named_broker_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = start(tmp_path, "--broker-port", str(port))
        said, complaints = process.communicate(timeout=SECONDS)
    assert (process.returncode, complaints) == (1, "")
    assert said.startswith(f"dev: cannot listen on 'localhost:{port}': ")
    assert said.count("\n") == 1


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
    def consumed() -> float:
        with urlopen(urls[0].removesuffix("organizations") + "metrics", timeout=SECONDS) as answer:
            return float(
                re.findall(r"(?m)^consumed_messages(?:_total)? (\S+)", answer.read().decode())[0]
            )

    before, deadline = consumed(), time.monotonic() + SECONDS
    while consumed() <= before:
        assert time.monotonic() < deadline, "no further message consumed"
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
