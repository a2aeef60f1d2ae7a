"""Which build this is, told by a record or by git."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from aggregator import build
from tests.program import ROOT


def test_a_build_tells_version_commit_and_a_time_in_the_c_locale() -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", build.info()["BuildVersion"])
    assert build.info()["UtilsVersion"].startswith("v6.")
    assert list(build.info()) == sorted(build.info())
    assert build.date(1795480289) == "Tue Nov 24 00:31:29 UTC 2026"
    assert build.date(1793579489) == "Mon Nov  2 00:31:29 UTC 2026"


def test_a_folder_that_is_no_checkout_tells_nothing_of_the_checkout_around_it() -> None:
    assert build.from_git(ROOT / "aggregator") == {}


def test_a_checkout_tells_branch_commit_and_time(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q", "-b", "tree"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(
            [*git, *arguments],
            check=True,
            env={**os.environ, "GIT_COMMITTER_DATE": "1795480289 +0200"},
        )
    known = build.from_git(tmp_path)
    assert known["BuildBranch"] == "tree"
    assert re.fullmatch("[0-9a-f]{40}", known["BuildCommit"])
    assert known["BuildTime"] == "Tue Nov 24 00:31:29 UTC 2026"
