"""The hook that checks commit messages."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parent.parent / ".githooks" / "commit-msg"


def check(message: str, folder: Path) -> str:
    """Return the hook's complaint, empty if it accepts the message."""
    file = folder / "COMMIT_EDITMSG"
    file.write_text(message)
    done = subprocess.run(["sh", HOOK, file], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (done.stderr == "")
    return done.stderr


@pytest.mark.parametrize(
    "message",
    ["Fix a race\n", "Fix a race\n\nBecause of it.\n", f"F{'x' * 71}\n", "fixup! Fix a race\n"],
)
def test_a_valid_message_is_accepted(message: str, tmp_path: Path) -> None:
    assert check(message, tmp_path) == ""


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (f"F{'x' * 72}\n", "73 characters"),
        ("# only a comment\n", "is empty"),
        ("Fix a race.\n", "a period"),
        ("fix a race\n", "a lower-case letter"),
        ("Fix a race\nBecause of it.\n", "the second line is not empty"),
    ],
)
def test_an_invalid_message_is_rejected(message: str, complaint: str, tmp_path: Path) -> None:
    assert complaint in check(message, tmp_path)
