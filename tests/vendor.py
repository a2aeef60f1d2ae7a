"""Vendored JavaScript: fetches pinned npm packages, verifies them, writes what is needed.

`make vendor` runs it. To update a package, change its version and its integrity below (`npm view
NAME@VERSION dist.integrity`), run it, and commit what changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "aggregator" / "dashboard" / "static" / "vendor"
FOR_TESTS = ROOT / "tests" / "browser" / "vendor"
INDEX = "packages.json"
# browsers resolve no bare names without an import map, which would be an inline script
BARE_IMPORT = re.compile(rb'from"preact"')
OWN_IMPORT = b'from"./preact.mjs"'
# the maps are not vendored
SOURCE_MAP = re.compile(rb"\n?(?://|/\*)# sourceMappingURL=[^\n*]*(?:\*/)?\s*\Z")


class Tampered(Exception):
    """A package is not the one that was pinned."""


@dataclass(frozen=True)
class Package:
    """One version of an npm package, and which of its files are kept, flat, under which names."""

    name: str
    version: str
    licence: str
    integrity: str
    files: Mapping[str, str]
    target: Path = field(default=SHIPPED)

    @property
    def folder(self) -> Path:
        """Return where its files are kept."""
        return self.target / self.name


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "MIT",
        "sha512-/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        {
            "dist/preact.mjs": "preact.mjs",
            "hooks/dist/hooks.mjs": "hooks.mjs",
            "LICENSE": "LICENSE",
        },
    ),
    Package(
        "htm",
        "3.1.1",
        "Apache-2.0",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        {"dist/htm.mjs": "htm.mjs", "LICENSE": "LICENSE"},
    ),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        {
            "dist/uPlot.esm.js": "uPlot.mjs",
            "dist/uPlot.min.css": "uPlot.css",
            "LICENSE": "LICENSE",
        },
    ),
    Package(
        "swagger-ui-dist",
        "5.35.0",
        "Apache-2.0",
        "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        {
            "swagger-ui-bundle.js": "swagger-ui-bundle.js",
            "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
            "swagger-ui.css": "swagger-ui.css",
            "LICENSE": "LICENSE",
            "NOTICE": "NOTICE",
        },
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {
            "axe.min.js": "axe.min.js",
            "LICENSE": "LICENSE",
            "LICENSE-3RD-PARTY.txt": "LICENSE-3RD-PARTY.txt",
        },
        FOR_TESTS,
    ),
)


def digest(content: bytes, algorithm: str) -> str:
    """Return the hash as in npm's lock files and in HTML's `integrity`: `sha512-BASE64`."""
    raw = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(raw).decode()}"


def fetch(package: Package, folder: Path) -> bytes:
    """Return the tarball as npm's client fetched it; raise Tampered if it is another one."""
    command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    content = (folder / done.stdout.split()[-1]).read_bytes()
    if digest(content, "sha512") != package.integrity:
        raise Tampered(
            f"{package.name} {package.version}: {digest(content, 'sha512')} instead of "
            f"{package.integrity}"
        )
    return content


def adapted(content: bytes) -> bytes:
    """Return a file of a package as it is served: without source map, with paths in imports."""
    return BARE_IMPORT.sub(OWN_IMPORT, SOURCE_MAP.sub(b"\n", content))


def unpack(package: Package, tarball: Path) -> dict[str, str]:
    """Write the files that are kept; return the hash of each."""
    shutil.rmtree(package.folder, ignore_errors=True)
    package.folder.mkdir(parents=True)
    hashes = {}
    with tarfile.open(tarball) as archive:
        for source, kept in package.files.items():
            member = archive.extractfile(f"package/{source}")
            if member is None:
                raise Tampered(f"{package.name} {package.version}: {source} is no file")
            content = member.read()
            if kept.endswith((".mjs", ".js", ".css")):
                content = adapted(content)
            (package.folder / kept).write_bytes(content)
            hashes[kept] = digest(content, "sha384")
    (package.folder / "VERSION").write_text(package.version + "\n")
    return hashes


def main() -> int:
    """Fetch and write all packages; return the exit status."""
    indexes: dict[Path, dict[str, object]] = {SHIPPED: {}, FOR_TESTS: {}}
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            tarball = Path(folder) / "verified.tgz"
            try:
                tarball.write_bytes(fetch(package, Path(folder)))
                hashes = unpack(package, tarball)
            except (Tampered, OSError, subprocess.CalledProcessError) as error:
                print(f"vendor: {error}", file=sys.stderr)
                return 1
        indexes[package.target][package.name] = {
            "version": package.version,
            "license": package.licence,
            "integrity": package.integrity,
            "files": hashes,
        }
        print(f"{package.name} {package.version} ({package.licence})")
    for target, index in indexes.items():
        (target / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
