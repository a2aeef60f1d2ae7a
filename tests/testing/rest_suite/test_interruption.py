"""Ctrl-C: what was written is undone, in one process and in each process of pytest-xdist."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from testing.mocks.server import mock_server
from testing.mocks.thread import in_thread

SECONDS = 120
CASES = """
import pathlib
import time

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.writes
@pytest.mark.parametrize("number", range(8))
def test_disables(api, data, number):
    hit = data.own_hit()
    api.ok("disable", **hit.params)
    (HERE / f"disabled-{hit.org_id}-{number}").touch()
    time.sleep(60)
"""


@pytest.mark.parametrize(("options", "running"), [((), 1), (("-n", "2"), 2)], ids=["one", "two"])
def test_interrupted_processes_clean_up(
    tmp_path: Path, options: tuple[str, ...], running: int
) -> None:
    (tmp_path / "test_toggling.py").write_text(CASES)
    command = [sys.executable, "-m", "testing.rest_suite", "--cases", str(tmp_path)]
    with in_thread(mock_server()) as url:
        process = subprocess.Popen(
            [*command, "--url", url, "--only", "toggling", "--allow-writes", *options],
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        end = time.monotonic() + SECONDS
        while len(list(tmp_path.glob("disabled-*"))) < running:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        # a terminal sends it to all processes
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=SECONDS)
        organizations = {file.name.split("-")[1] for file in tmp_path.glob("disabled-*")}
        left = [
            row
            for organization in organizations
            for row in requests.get(
                f"{url}rules/organizations/{organization}/disabled", timeout=10
            ).json()["rules"]
        ]
    assert process.returncode == 130, said
    assert left == []
