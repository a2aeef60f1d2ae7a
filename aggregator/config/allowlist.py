"""Reads the allowlist of organizations (`processing.org_allowlist_file`)."""

from __future__ import annotations

import csv
from pathlib import Path

from ..errors import UnusableFile

MAX_DIGITS = len(str(2**32))


def read_allowlist(path: str) -> frozenset[int]:
    """Return the organizations of a CSV file whose first line is a header (contract ingest 1).

    Raise UnusableFile for an unreadable file, or a line that is not an organization.
    """
    key = "processing.org_allowlist_file"
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise UnusableFile(f"{key}: cannot read '{path}': {error}") from error
    allowed = set()
    for number, line in enumerate(lines[1:], 2):
        text = line[0]
        if len(line) != len(lines[0]) or not (text.isascii() and text.isdigit()):
            raise UnusableFile(f"{key}: '{path}' line {number}: organization expected, not {line}")
        # Python refuses to convert more than 4,300 digits
        digits = text.lstrip("0") or "0"
        if len(digits) > MAX_DIGITS or int(digits) >= 2**32:
            shown = digits if len(digits) <= 2 * MAX_DIGITS else f"{digits[: 2 * MAX_DIGITS]}..."
            raise UnusableFile(f"{key}: '{path}' line {number}: {shown} is too large")
        allowed.add(int(digits))
    return frozenset(allowed)
