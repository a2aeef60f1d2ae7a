"""What a case says of an answer: that something must hold, or that it cannot be tried here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

from ..packages import of_testing

with of_testing():
    import pytest

LONGEST = 300


class CheckFailed(AssertionError):
    """What the contract demands does not hold."""


# the case cannot be tried with this instance, these permissions or these data
Skipped = pytest.skip.Exception


def check(condition: object, message: str) -> None:
    """Fail the case with `message` unless `condition` is true."""
    if not condition:
        raise CheckFailed(message)


def equal(actual: object, expected: object, what: str) -> None:
    """Fail the case unless both are equal and of the same kind (1 is not True, nor 1.0)."""
    if not _same(actual, expected):
        raise CheckFailed(f"{what}: expected {shown(expected)}, got {shown(actual)}")


def ascending(values: Sequence[str], what: str) -> None:
    """Fail the case unless texts come in the order of their code points, each of them once."""
    for before, after in pairwise(values):
        if before >= after:
            word = "twice" if before == after else f"before {shown(after)}"
            raise CheckFailed(f"{what}: not ascending, {shown(before)} comes {word}")


def skip(reason: str) -> NoReturn:
    """Leave the case, which is reported as skipped for this reason."""
    raise Skipped(reason)


def shown(value: object) -> str:
    """Return a value as JSON on one line, cut where it gets long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: true is no number, and 1.0 is not written as 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other
