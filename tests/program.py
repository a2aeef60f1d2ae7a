"""The program as a process, and what the reference printed in its place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aggregator
from aggregator.config.loading import FILE_VARIABLE

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
