"""`make release`: what it refuses, and what a release consists of."""

from __future__ import annotations

import hashlib
import runpy
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.program import ROOT

RELEASE = runpy.run_path(str(ROOT / "deploy" / "release.py"))
main: Any = RELEASE["main"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a clone of this repository with what is not committed yet."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository: this is no checkout")
    folder = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--no-local", str(ROOT), str(folder))
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.com")
    return folder


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_release_is_a_commit_a_tag_and_archives_that_can_be_built_again(checkout: Path) -> None:
    assert main(["1.0.0rc1", "--folder", str(checkout), "--no-sbom"]) == 0
    assert git(checkout, "describe") == "v1.0.0rc1"
    assert git(checkout, "log", "-1", "--format=%s") == "Release 1.0.0rc1"
    assert git(checkout, "status", "--porcelain") == ""
    changelog = (checkout / "CHANGELOG.md").read_text()
    assert "\n## Unreleased\n\n## 1.0.0rc1 (20" in changelog

    dist = checkout / "dist"
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    assert wheel.name == "insights_results_aggregator-1.0.0rc1-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {"aggregator/py.typed", "testing/py.typed", "aggregator/build.json"} <= set(names)
    with tarfile.open(sdist) as archive:
        assert f"{sdist.name.removesuffix('.tar.gz')}/setup.py" in archive.getnames()
    sums = dict(line.split()[::-1] for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (wheel, sdist)
    }

    RELEASE["build"](checkout, dist)
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == sums[wheel.name]
    assert hashlib.sha256(sdist.read_bytes()).hexdigest() == sums[sdist.name]


@pytest.mark.parametrize(
    ("version", "change", "reason"),
    [
        ("one", "", "a version such as 1.0.0rc1 expected, not 'one'"),
        ("0.0.1", "", "a version after"),
        ("9.0", "dirty", "uncommitted changes"),
        ("9.0", "tag", "the tag v9.0 exists"),
        ("9.0", "changelog", "CHANGELOG.md has no entry below '## Unreleased'"),
    ],
)
def test_what_cannot_be_released_changes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str], version: str, change: str, reason: str
) -> None:
    if change == "dirty":
        (checkout / "README.md").write_text("changed")
    elif change == "tag":
        git(checkout, "tag", "v9.0")
    elif change == "changelog":
        (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 0.0.1\n\n* x\n")
        git(checkout, "commit", "--all", "--quiet", "--message", "x")
    before = git(checkout, "rev-parse", "HEAD")
    assert main([version, "--folder", str(checkout), "--no-sbom"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("release: ")
    assert reason in message
    assert git(checkout, "rev-parse", "HEAD") == before
    assert not (checkout / "dist").exists()
