"""The vendored JavaScript packages: pinned, unchanged, licensed and part of the wheel."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

import aggregator
from tests import vendor
from tests.vendor import PACKAGES, SHIPPED, Package, Tampered

# the installed package where tox tests it
INSTALLED = Path(aggregator.__file__).parent / "dashboard" / "static" / "vendor"


def kept(package: Package) -> Path:
    """Return the folder of a package, in the wheel if it ships."""
    return INSTALLED / package.name if package.target == SHIPPED else package.folder


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_files_of_a_package_are_those_of_the_pinned_version(package: Package) -> None:
    folder = kept(package)
    index = json.loads((folder.parent / vendor.INDEX).read_text())[package.name]
    assert (index["version"], index["integrity"], index["license"]) == (
        package.version,
        package.integrity,
        package.licence,
    )
    assert (folder / "VERSION").read_text().strip() == package.version
    contents = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert set(contents) == {*package.files.values(), "VERSION"}
    assert {
        name: vendor.digest(content, "sha384")
        for name, content in contents.items()
        if name != "VERSION"
    } == index["files"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_has_its_licence(package: Package) -> None:
    title = {"MIT": "MIT License", "Apache-2.0": "Apache License", "MPL-2.0": "Mozilla Public"}
    assert title[package.licence].lower() in (kept(package) / "LICENSE").read_text().lower()


def test_nothing_else_is_vendored() -> None:
    for target in {package.target for package in PACKAGES}:
        names = {package.name for package in PACKAGES if package.target == target}
        assert {entry.name for entry in target.iterdir()} == {*names, vendor.INDEX}


def test_modules_import_by_path() -> None:
    """A bare name needs an import map, which the Content-Security-Policy forbids."""
    modules = list(INSTALLED.rglob("*.mjs"))
    assert len(modules) == 4
    for module in modules:
        for name in re.findall(r'\bimport\s*(?:[\w*{][^;"]*from\s*)?"([^"]+)"', module.read_text()):
            assert name.startswith("./"), module


def tarball(content: bytes) -> bytes:
    """Return a package with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/index.mjs")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def serve(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an `npm` on the path that delivers this tarball."""
    (folder / "delivered.tgz").write_bytes(content)
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\ncp '{folder}/delivered.tgz' one-1.0.0.tgz\necho one-1.0.0.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_package_with_another_hash_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, other = tarball(b'import{h}from"preact"'), tarball(b"another")
    package = Package("one", "1.0.0", "MIT", vendor.digest(wanted, "sha512"), {}, tmp_path / "kept")
    work = tmp_path / "work"
    work.mkdir()
    serve(other, tmp_path, monkeypatch)
    with pytest.raises(Tampered, match=r"one 1\.0\.0: sha512-.+ instead of sha512-"):
        vendor.fetch(package, work)
    serve(wanted, tmp_path, monkeypatch)
    (work / "verified.tgz").write_bytes(vendor.fetch(package, work))
    package = replace(package, files={"index.mjs": "one.mjs"})
    vendor.unpack(package, work / "verified.tgz")
    assert (package.folder / "one.mjs").read_bytes() == b'import{h}from"./preact.mjs"'


@pytest.mark.parametrize(
    ("packed", "served"),
    [
        (b"a()\n//# sourceMappingURL=a.js.map\n", b"a()\n"),
        (b"a{}\n/*# sourceMappingURL=a.css.map*/", b"a{}\n"),
        (b"a()\n", b"a()\n"),
    ],
)
def test_a_reference_to_a_source_map_is_removed(packed: bytes, served: bytes) -> None:
    assert vendor.adapted(packed) == served
