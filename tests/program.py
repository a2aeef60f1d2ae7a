"""The program as a process, and what the reference printed in its place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aggregator
from aggregator.commands import COMMANDS, arguments
from aggregator.config.loading import FILE_VARIABLE
from aggregator.config.options import Config

# the package under test: the installed wheel, or the checkout
PACKAGES = Path(aggregator.__file__).parent.parent
ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "cli"
CONFIG = {FILE_VARIABLE: str(GOLDEN / "config.toml")}
SECONDS = 60


def command(
    *arguments: str, folder: Path, env: Mapping[str, str] = CONFIG
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with nothing of our own environment that it would read."""
    clean = {key: os.environ[key] for key in os.environ if not key.startswith(("INSIGHTS_", "ACG"))}
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(PACKAGES), **env},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def in_process(name: str) -> Callable[[Config, Sequence[str]], int]:
    """Return a function that runs the command in this process, with a configuration."""

    def run(config: Config, argv: Sequence[str]) -> int:
        options = arguments.parse(name, COMMANDS[name], argv)
        status: int = arguments.load(COMMANDS[name]).run(config, options)
        return status

    return run


def recorded(name: str) -> tuple[str, int]:
    """Return what the reference printed, and its exit status."""
    text, _, status = (GOLDEN / name).read_text(encoding="utf-8").rpartition("[exit ")
    text = text.replace("<ARGV0>", "insights-results-aggregator")
    return text, int(status.strip().removesuffix("]"))


def normalised(text: str) -> str:
    """Replace what differs from run to run: times, and where the database is."""
    text = re.sub(r'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', '"time":"<TIME>"', text)
    return re.sub(r"postgresql://[^']*", "<WHERE>", text)


def told(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the messages and errors that were logged."""
    logged = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return [line[key] for line in logged for key in ("error", "message") if key in line]


def complaints(stderr: str) -> list[str]:
    """Return the lines on standard error but those that name the command's target."""
    targets = ("broker ", "database ")
    return [line for line in stderr.splitlines() if not line.startswith(targets)]
