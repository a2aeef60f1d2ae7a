"""Coverage of the contract: which aspects of which operation were tested, skipped, not demanded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from .case import READ
from .contract import OPERATIONS
from .result import Outcome, Result

ASPECTS = (
    "happy", "unknown", "improper", "method", "auth", "permission", "shape", "sequence",
    "consistency", "limits",
)  # fmt: skip
# the aspect of a case by its id, the first that fits
_BY_NAME = (
    ("auth", re.compile(r"(authentication|tokens)\.")),
    ("permission", re.compile(r"permission\.|\.\w*(another_organization|other_organizations)")),
    ("method", re.compile(r"\.(other_methods|options_)|_only_tell_the_methods")),
    ("limits", re.compile(r"\.\w*(beyond|limit|long_as|any_letters|every_\w+_is_listed|chunked)")),
    ("improper", re.compile(r"\.\w*(improper|another_kind|cut_short|needs_a_body|is_needed)")),
    ("unknown", re.compile(r"\.\w*(unknown|not_found|not_there|nobody|has_none|have_no|no_vote)")),
)  # fmt: skip
_BY_STATUS = {200: "happy", 400: "improper", 401: "auth", 403: "permission", 404: "unknown",
              405: "method"}  # fmt: skip
_DEPTH = 4


@dataclass
class Cell:
    """The cases about one aspect of an operation: how many were tested, why others were not."""

    tested: int = 0
    failed: int = 0
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.failed:
            return f"{self.failed} failed"
        if self.tested:
            return str(self.tested)
        return "skipped" if self.reasons else "-"


Table = dict[str, dict[str, Cell]]


def table(results: Iterable[Result]) -> Table:
    """Return a cell for each aspect of each operation; an empty one is not demanded by a case."""
    found: Table = {name: {aspect: Cell() for aspect in ASPECTS} for name in OPERATIONS}
    for result in results:
        for operation, aspect in sorted(set(_concerned(result))):
            cell = found[operation][aspect]
            if result.outcome is Outcome.SKIPPED:
                if result.reason not in cell.reasons:
                    cell.reasons.append(result.reason)
            else:
                cell.tested += 1
                cell.failed += result.outcome is Outcome.FAILED
    return found


def _concerned(result: Result) -> Iterator[tuple[str, str]]:
    """Yield operation and aspect of what a case tests."""
    aspect = _aspect(result)
    if result.outcome is Outcome.SKIPPED:
        yield from ((name, aspect) for name in result.operations)
        return
    asked = {timing.operation for timing in result.timings if timing.operation in OPERATIONS}
    for timing in result.timings:
        if timing.operation in OPERATIONS and timing.status in _BY_STATUS:
            yield timing.operation, _BY_STATUS[timing.status]
            if timing.status == 200:
                yield timing.operation, "shape"
    if aspect in ("sequence", "consistency"):
        yield from ((name, aspect) for name in asked)
    elif aspect != "happy":
        # who asks for a path that is none, or with another method, names the operation only
        named = asked.intersection(result.operations) or set(result.operations) or asked
        yield from ((name, aspect) for name in named)


def _aspect(result: Result) -> str:
    for aspect, pattern in _BY_NAME:
        if pattern.search(result.id):
            return aspect
    if result.kind != READ:
        return "sequence"
    asked = {timing.operation for timing in result.timings} or set(result.operations)
    return "consistency" if len(asked & set(OPERATIONS)) > 1 else "happy"


def operations_of(function: object, arguments: Sequence[object] = ()) -> tuple[str, ...]:
    """Return the operations that a case names, itself or in functions that it calls.

    A case that is run for each of several operations is about the one among its arguments. Keys of
    answers that are called like operations, as `reports`, are taken for operations, too.
    """
    named = [one for one in arguments if isinstance(one, str) and one in OPERATIONS]
    if named:
        return tuple(named)
    found: set[str] = set()
    _collect(getattr(function, "__wrapped__", function), found, _DEPTH)
    return tuple(sorted(found))


def _collect(value: Any, found: set[str], depth: int) -> None:
    if isinstance(value, str):
        found.update({value} & OPERATIONS.keys())
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found, depth)
    elif isinstance(value, FunctionType) and depth and ".rest_suite.cases" in value.__module__:
        for constant in value.__code__.co_consts:
            _collect(constant, found, depth)
        for name in value.__code__.co_names:
            if isinstance(value.__globals__.get(name), FunctionType):
                _collect(value.__globals__[name], found, depth - 1)


def skipped(found: Table) -> dict[str, dict[str, list[str]]]:
    """Return the operations of which nothing was tested, by reason and aspect."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for operation, cells in found.items():
        for aspect, cell in cells.items():
            if not cell.tested:
                for reason in cell.reasons[:1]:
                    reasons.setdefault(reason, {}).setdefault(aspect, []).append(operation)
    return reasons
