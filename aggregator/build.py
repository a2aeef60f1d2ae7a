"""Which build this is: version, time, branch and commit, taken at build or from git."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NOT_SET = "*not set*"
PACKAGE = "insights-results-aggregator"
# written into the wheel by setup.py
RECORD = Path(__file__).with_name("build.json")
_DATE = "%a %b %d %H:%M:%S UTC %Y"


def info() -> dict[str, str]:
    """Return what `/info` says of the build; `*not set*` stands for what is unknown."""
    known = _recorded() or _from_git(Path(__file__).parent.parent)
    names = ("BuildBranch", "BuildCommit", "BuildTime")
    return {
        **{name: known.get(name) or NOT_SET for name in names},
        "BuildVersion": f"v{_version(PACKAGE)}",
        "UtilsVersion": f"v{_version('tornado')}",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0.0.0"


def _recorded() -> dict[str, str]:
    try:
        known: dict[str, str] = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return known


def _from_git(folder: Path) -> dict[str, str]:
    """Ask git for the state of a checkout; the commit's time stands for the build's."""
    if not (folder / ".git").exists():
        return {}
    form = ["--format=%H%n%cd", f"--date=format-local:{_DATE}"]
    try:
        commit, time = _git(folder, "log", "-1", *form).splitlines()
        branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return {"BuildBranch": branch.strip(), "BuildCommit": commit, "BuildTime": time}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    environment = {"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=5, check=True, env=environment
    )
    return answer.stdout
