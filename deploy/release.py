"""Make a release: version, changelog section, commit, tag, wheel, sdist, SBOM and checksums.

Usage: `make release VERSION=1.0.0rc1`. Nothing is pushed or uploaded.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import InvalidVersion, Version

UNRELEASED = "## Unreleased"


class ReleaseError(Exception):
    """The release cannot be made; the text says why. Nothing has been changed."""


def main(argv: list[str] | None = None) -> int:
    """Make the release; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version", help="such as 1.0.0rc1")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--no-sbom", action="store_true", help="do not call cyclonedx-py")
    options = parser.parse_args(argv)
    try:
        version = checked(options.folder, options.version)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 2
    write_version(options.folder, version)
    _git(options.folder, "commit", "--quiet", "--all", "--message", f"Release {version}")
    _git(options.folder, "tag", "--annotate", "--message", f"Release {version}", f"v{version}")
    target = options.folder / "dist"
    build(options.folder, target)
    if not options.no_sbom:
        write_sbom(options.folder, target)
    write_checksums(target)
    for file in sorted(target.iterdir()):
        print(file.relative_to(options.folder))
    print(f"Tagged v{version}. Publish it: git push --follow-tags, then upload dist/.")
    return 0


def checked(folder: Path, text: str) -> str:
    """Return the version in its normal form; raise ReleaseError if it cannot be released."""
    try:
        version = Version(text)
    except InvalidVersion as error:
        raise ReleaseError(f"a version such as 1.0.0rc1 expected, not '{text}'") from error
    if _git(folder, "status", "--porcelain"):
        raise ReleaseError("the working tree has uncommitted changes")
    if _git(folder, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"the tag v{version} exists")
    current = Version(_current(folder))
    if version <= current:
        raise ReleaseError(f"a version after {current} expected, not {version}")
    if not section(_changelog(folder).read_text(encoding="utf-8")):
        raise ReleaseError(f"CHANGELOG.md has no entry below '{UNRELEASED}'")
    return str(version)


def section(changelog: str) -> str:
    """Return the entries of the next release, without their headline."""
    _, _, rest = changelog.partition(f"{UNRELEASED}\n")
    return rest.partition("\n## ")[0].strip()


def write_version(folder: Path, version: str) -> None:
    """Write the version into the package and its date into the changelog."""
    module = folder / "aggregator" / "build.py"
    text = re.sub(r'(?m)^VERSION = ".*"$', f'VERSION = "{version}"', module.read_text())
    module.write_text(text)
    path = _changelog(folder)
    headline = f"{UNRELEASED}\n\n## {version} ({datetime.now(UTC):%Y-%m-%d})\n"
    path.write_text(path.read_text(encoding="utf-8").replace(f"{UNRELEASED}\n", headline, 1))


def build(folder: Path, target: Path) -> None:
    """Build wheel and sdist of the last commit into an empty folder.

    The archives have the time of the commit, so a second build gives the same bytes.
    """
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        # of a clean checkout: what git ignores must not get into the archives
        source = Path(temporary) / "source"
        _git(folder, "clone", "--quiet", "--no-local", str(folder), str(source))
        seconds = _git(source, "log", "-1", "--format=%ct")
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(target.resolve()), str(source)],
            env={**os.environ, "SOURCE_DATE_EPOCH": seconds}, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    for sdist in target.glob("*.tar.gz"):
        _remove_times(sdist, int(seconds))


def _remove_times(sdist: Path, seconds: int) -> None:
    """Pack an archive again, with one time and owner: setuptools keeps those of the files."""
    content = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=content, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid = seconds, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(content.getvalue(), mtime=seconds))


def write_sbom(folder: Path, target: Path) -> None:
    """Write the software bill of materials of the locked requirements (CycloneDX)."""
    subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "requirements", str(folder / "requirements.lock"),
         "--output-file", str(target / "sbom.json")],
        check=True,
    )  # fmt: skip


def write_checksums(target: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(file for file in target.iterdir() if file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (target / "SHA256SUMS").write_text("".join(lines))


def _changelog(folder: Path) -> Path:
    return folder / "CHANGELOG.md"


def _current(folder: Path) -> str:
    text = (folder / "aggregator" / "build.py").read_text()
    found = re.search(r'(?m)^VERSION = "(.*)"$', text)
    if found is None:
        raise ReleaseError("aggregator/build.py has no VERSION")
    return found[1]


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [shutil.which("git") or "git", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
