"""The command `dev` as a process, and what it prints when it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aggregator

# the installed package where tox tests it, else the checkout
PACKAGES = Path(aggregator.__file__).parents[1]
LAST_LINE = "Ctrl-C ends it."


@dataclass(frozen=True)
class DevProcess:
    """A running `dev` and the lines that it printed until it was ready."""

    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def urls(self) -> list[str]:
        """Return the URLs that it proposes for curl."""
        return [line.removeprefix("curl ") for line in self.lines if line.startswith("curl ")]

    @property
    def broker(self) -> str:
        """Return host and port of its broker."""
        (line,) = [line for line in self.lines if line.startswith("broker:")]
        return line.removeprefix("broker:").strip()

    def command(self, name: str) -> str:
        """Return the line that it proposes for a command of the program."""
        (line,) = [line for line in self.lines if f"aggregator {name} " in line]
        return line

    def until(self, text: str) -> str:
        """Return the next line that contains the text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return line.strip()
        raise AssertionError(f"dev ended without a line that contains {text!r}")

    @property
    def origin(self) -> str:
        """Return scheme, host and port of the service."""
        return "/".join(self.urls[0].split("/")[:3])


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in a folder where there is no configuration, on free ports."""
    for option in ("--port", "--broker-port"):
        if option not in arguments:
            arguments = (option, "0", *arguments)
    return subprocess.Popen(
        [sys.executable, "-m", "aggregator", "dev", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGES), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[DevProcess]:
    """Give the process as soon as it is ready; raise AssertionError if it ends before."""
    process = start(folder, *arguments)
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if said[-1] == LAST_LINE:
                break
        else:
            text = process.stderr.read() if process.stderr else ""
            raise AssertionError(f"dev ended: {said}\n{text}")
        yield DevProcess(process, said)
    finally:
        process.kill()
        process.communicate()
