"""The suite against the whole service on one's desk, as `dev` proposes it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev_process import running

SECONDS = 300


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Give the command line that a running `dev` proposes."""
    with running(tmp_path_factory.mktemp("dev"), "--rate", "0") as dev:
        (proposed,) = [line for line in dev.lines if "testing.rest_suite" in line]
        yield shlex.split(proposed)


def run(command: list[str], *options: str) -> tuple[int, str]:
    """Return exit status and output of the suite."""
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_everything_passes_with_messages_sent_through_kafka(
    command: list[str], tmp_path: Path
) -> None:
    page = tmp_path / "suite.html"
    options = ("--allow-writes", "--allow-deletes", "--report", "html", str(page))
    status, said = run(command, *options)
    assert status == 0, said
    assert "profile departures" in said
    assert "nothing was sent" not in said
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_everything_passes_with_what_is_found_by_reading(command: list[str]) -> None:
    status, said = run(command, "--data", "discover", "--allow-writes")
    assert status == 0, said
    assert "found by reading" in said


def test_an_instance_does_not_differ_from_itself(command: list[str]) -> None:
    url = command[command.index("--url") + 1]
    status, said = run(command, "--data", "discover", "--compare", url, "--workers", "1")
    assert status == 0, said
    assert "compare" in said
