"""Each form of HTTP on the wire is answered as the Go service answers it, or differs on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.handlers import wire
from tests.handlers.test_limits import healthy

ROWS = wire.load()


def groups() -> list[list[dict[str, Any]]]:
    """Return the forms in groups that are tried beside each other."""
    return [ROWS[start : start + 40] for start in range(0, len(ROWS), 40)]


@pytest.mark.parametrize("rows", groups(), ids=lambda rows: f"from {rows[0]['name']}")
async def test_forms_are_answered_as_by_the_go_service(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    async with healthy(tmp_path, api_prefix=wire.PREFIX) as port:
        found = await wire.exchange_all(port, rows)
    wrong = {
        row["name"]: (one, row.get("ours", row["go"]))
        for row, one in zip(rows, found, strict=True)
        if one != row.get("ours", row["go"])
    }
    assert wrong == {}


def test_every_difference_has_its_reason() -> None:
    for row in ROWS:
        assert ("ours" in row) == ("why" in row), row["name"]
        assert row.get("ours") != row["go"], row["name"]


def test_no_form_lets_more_through_than_the_go_service() -> None:
    """Where Go closes the connection because it is unsure what comes next, so does ours."""
    lenient = {
        row["name"]
        for row in ROWS
        if "ours" in row and row["ours"]["kept"] and not row["go"]["kept"]
    }
    # lines without anything before a request begin nothing (RFC 9112, 2.2)
    assert lenient == {"empty line before", "LF before", "empty line between requests"}
