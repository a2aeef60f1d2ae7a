"""Mutants of single members, for every member in the schemas of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from testing.rest_suite.contract import JSON, OPERATIONS
from testing.rest_suite.schemas import Schema

from .. import edits
from ..edits import (
    Edit,
    added,
    at,
    drop,
    mapped,
    renamed,
    value,
)
from ..middleware import Mutant
from ..operators import changed

# shown only after somebody voted, disabled, gave a reason, acknowledged or rated
WRITTEN = {
    "get_vote", "get_vote_2020", "disabled", "disabled_for_clusters", "disabled_clusters",
    "reasons", "ack", "acks", "rating",
}  # fmt: skip


def members(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield path and schema of every member of objects, `*` for rows."""
    for option in schema.get("anyOf", ()):
        yield from members(option)
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
        yield from ((f"{name}.{path}", leaf) for path, leaf in members(inner))
    rows = schema.get("items"), schema.get("additionalProperties")
    for inner in rows:
        if isinstance(inner, dict):
            yield from ((f"*.{path}", leaf) for path, leaf in members(inner))


def times(operation: str) -> list[str]:
    """Return the paths of the times in an answer."""
    found = members(OPERATIONS[operation].answer)
    return list(dict.fromkeys(path for path, leaf in found if "T[0-9]" in str(_patterns(leaf))))


def _patterns(schema: Schema) -> list[Any]:
    return [schema.get("pattern"), *(leaf.get("pattern") for leaf in schema.get("anyOf", ()))]


def fields() -> Iterator[Mutant]:
    """Yield, for every member: another value, and one other edit, in turn."""
    ways: tuple[tuple[str, Edit], ...] = (
        ("is missing", drop),
        ("has another name", renamed("renamed")),
        ("is null", value(None)),
        ("has another type", mapped(edits.mistyped)),
        ("has a neighbour", added("unknown", "x")),
    )
    number = 0
    for operation in OPERATIONS.values():
        if operation.content != JSON or operation.kind == 2:
            continue
        found = dict(members(operation.answer))
        written = operation.kind or operation.name in WRITTEN
        needs = frozenset({"writes"} if written else ())
        for path in found:
            way, edit = ways[number % len(ways)]
            number += 1
            name = f"{operation.name}: {path}"
            for title, make in ((way, edit), ("has another value", mapped(edits.other))):
                if not _harmless(operation.name, path, title):
                    yield Mutant(
                        f"{name} {title}", "member", (operation.name,),
                        changed(at(path, make)), needs,
                    )  # fmt: skip


def _harmless(operation: str, path: str, title: str) -> bool:
    """Say whether nobody could know: builds may call themselves as they like."""
    builds = operation == "info" and path == "info" and title in ("has a neighbour",)
    # a mistake in one row only is the matter of rows
    return builds or (title == "is null" and path.endswith("hits_by_severity"))
