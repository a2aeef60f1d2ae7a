"""Build information: version, time, branch and commit, recorded by setup.py or read from git."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

VERSION = "0.1.0"
NOT_SET = "*not set*"
# setup.py writes it into wheel and source distribution; in a checkout git is asked
RECORD = Path(__file__).with_name("build.json")


def info() -> dict[str, str]:
    """Return the build information of `/info`; unknown values are `*not set*`."""
    import tornado

    known = _recorded() or from_git(Path(__file__).parent.parent)
    names = ("BuildBranch", "BuildCommit", "BuildTime")
    return {
        **{name: known.get(name) or NOT_SET for name in names},
        "BuildVersion": f"v{VERSION}",
        "UtilsVersion": f"v{tornado.version}",
    }


def _recorded() -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known


def from_git(folder: Path) -> dict[str, str]:
    """Return branch, commit and time of the commit; empty without a checkout."""
    # without this check git would search the parent folders
    if not (folder / ".git").exists():
        return {}
    try:
        commit, seconds = _git(folder, "log", "-1", "--format=%H %ct").split()
        branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD").strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return {"BuildBranch": branch, "BuildCommit": commit, "BuildTime": date(int(seconds))}


def date(seconds: float) -> str:
    """Format seconds since the epoch as `date -u` does in the C locale."""
    text = time.asctime(time.gmtime(seconds))
    return f"{text[:-5]} UTC {text[-4:]}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
