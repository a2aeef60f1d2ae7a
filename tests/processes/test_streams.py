"""Standard streams that are closed, full or unread, and a working directory that is gone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import PACKAGES, SECONDS

COMMANDS = ("help", "nonsense", "print-config", "print-env", "print-version-info", "migration")
# a redirection, and the status of a command that only prints
REDIRECTIONS = {
    ">&-": 0,
    "2>&-": 0,
    "<&-": 0,
    "<&- >&- 2>&-": 0,
    ">/dev/full": 1,
    "2>/dev/full": 0,
    ">/dev/full 2>&1": 1,
    "| true": 0,
}


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in which `aggregator` is the program."""
    program = f"{shlex.quote(sys.executable)} -m aggregator"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("INSIGHTS_")}
    return subprocess.run(
        ["bash", "-c", line.replace("aggregator", program)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.mark.parametrize("redirection", REDIRECTIONS)
def test_no_stream_ends_a_command_in_a_traceback(tmp_path: Path, redirection: str) -> None:
    line = "; ".join(
        f"aggregator {name} {redirection}; echo ${{PIPESTATUS[0]}} >> statuses" for name in COMMANDS
    )
    ended = shell(line, tmp_path)
    assert "Traceback" not in ended.stderr
    assert "Logging error" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    # those that log do their work, whether their log is read or not
    prints = REDIRECTIONS[redirection]
    statuses = (tmp_path / "statuses").read_text().split()
    assert [int(status) for status in statuses] == [prints, 2, prints, prints, 0, 0]
    if redirection == ">/dev/full":
        assert ended.stderr.count("error: [Errno 28] No space left on device\n") == 3
        assert ended.stderr.count("log lines are lost: [Errno 28]") == 2


def test_commands_work_where_the_working_directory_was_deleted(tmp_path: Path) -> None:
    line = "mkdir gone; cd gone; rmdir ../gone; aggregator help && aggregator migration"
    ended = shell(line, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_named_file_is_not_found_where_the_working_directory_was_deleted(tmp_path: Path) -> None:
    line = (
        "mkdir gone; cd gone; rmdir ../gone; "
        "export INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE=config.toml; aggregator help"
    )
    ended = shell(line, tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.endswith("there is no file 'config.toml'\n")


def test_what_is_opened_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    """A worker inherits the three: with a socket among them it would log into that."""
    code = (
        "import os, socket; from aggregator.processes import streams; streams.ensure_open(); "
        "number = socket.socket().fileno(); os.write(2, b'lost'); raise SystemExit(number)"
    )
    ended = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} <&- >&- 2>&-"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        timeout=SECONDS,
    )
    assert ended.returncode > 2
