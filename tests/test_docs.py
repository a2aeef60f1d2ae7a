"""The documentation is true: generated pages are current, examples run, named tests exist."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev_process import DevProcess, running

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RUNNERS = {"sh": ["bash", "-eux", "-o", "pipefail", "-c"], "python": [sys.executable, "-c"]}
# pages whose examples run against `make run`, in order and in one folder
EXECUTED = ["tutorial.md", "clients.md"]
SECONDS = 120


def test_reference_pages_are_what_is_generated() -> None:
    pages = runpy.run_path(str(DOCS / "reference.py"))["pages"]()
    assert set(pages) == set((DOCS / "reference").glob("*.md"))
    stale = [path.name for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_tests_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"\btests/[\w/]+\.\w+", page.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevProcess]:
    with running(tmp_path_factory.mktemp("dev"), "--rate", "0") as process:
        yield process


@pytest.mark.parametrize("name", EXECUTED)
def test_examples_of_a_page_run(name: str, dev: DevProcess, tmp_path: Path) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    text = (DOCS / name).read_text(encoding="utf-8")
    for written, actual in (
        ("http://localhost:8080", dev.origin),
        ("localhost:29092", dev.broker),
        # the environment of the tests takes its place
        (". .venv/bin/activate\n", ""),
    ):
        text = text.replace(written, actual)
    blocks = re.findall(r"(?m)^```(sh|python)\n(.*?)^```", text, re.DOTALL)
    # later blocks of a shell use the variables of earlier ones
    scripts = [("sh", "".join(code for language, code in blocks if language == "sh"))]
    scripts += [block for block in blocks if block[0] == "python"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for language, code in scripts:
        done = subprocess.run(
            [*RUNNERS[language], code], cwd=tmp_path, env={**os.environ, "PATH": path},
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), f"prints nothing: {code}"
