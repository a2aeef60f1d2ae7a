"""The pictures of README: there, in both colour schemes, and small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_BYTES = 300_000


def test_the_pictures_of_the_readme_are_small_files_of_one_size() -> None:
    """`python -m tests.browser.screenshots` writes them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    files = [ROOT / name for name in re.findall(r'src(?:set)?="([^"]+)"', readme)]
    assert [file.name for file in files] == ["dashboard-dark.png", "dashboard.png"]
    sizes = set()
    for file in files:
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < MOST_BYTES
        sizes.add(struct.unpack(">II", content[16:24]))
    assert len(sizes) == 1
