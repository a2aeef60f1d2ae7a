"""Mutants of lists: missing, duplicate, foreign or reordered rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .. import edits
from ..edits import at, mapped
from ..middleware import Mutant
from ..operators import changed

# where the rows of an answer are
LISTS = (
    ("organizations", "organizations"),
    ("clusters", "clusters"),
    ("report", "report.reports"),
    ("reports", "clusters"),
    ("reports", "reports"),
    ("reports", "errors"),
    ("reports_by_body", "clusters"),
    ("reports_by_body", "reports"),
    ("clusters_detail", "clusters"),
    ("recommendations", "recommendations"),
    ("recommendations", "recommendations.*"),
    ("cluster_recommendations", "clusters"),
    ("cluster_recommendations", "clusters.*.recommendations"),
    ("disabled", "rules"),
    ("disabled_for_clusters", "rules"),
    ("reasons", "reasons"),
    ("disabled_clusters", "clusters"),
    ("acks", "disabledRules"),
    ("workloads", "workloads"),
    ("workloads_by_body", "workloads"),
    ("namespace_workloads", "workloads.recommendations"),
    ("namespace_workloads", "workloads.recommendations.0.objects"),
)
WAYS: dict[str, Callable[[Any], Any]] = {
    "first is missing": edits.without_first,
    "last is missing": edits.without_last,
    "first comes twice": edits.doubled,
    "somebody else's beside": edits.strange,
}
# lists whose order the contract gives; of the others only the departures fix it
ORDERED = {"organizations", "clusters", "reports", "reports_by_body", "clusters_detail"}
# objects, of which each name is there once
BY_NAME = {
    ("reports", "reports"), ("reports_by_body", "reports"),
    ("recommendations", "recommendations"), ("cluster_recommendations", "clusters"),
}  # fmt: skip
# lists that may be empty, or null
MAY_BE_EMPTY = {
    "organizations", "clusters", "reports", "errors", "rules", "reasons", "report.reports",
    "disabledRules", "workloads", "clusters.*.recommendations",
}  # fmt: skip
WRITTEN = {"disabled", "disabled_for_clusters", "reasons", "disabled_clusters", "acks"}


def rows() -> Iterator[Mutant]:
    """Yield the mutants of every list."""
    for operation, path in LISTS:
        needs = {"writes"} if operation in WRITTEN else set()
        for name, way in WAYS.items():
            if way is edits.doubled and (operation, path) in BY_NAME:
                continue
            make = changed(at(path, mapped(way)))
            yield Mutant(
                f"{operation}: {path}: {name}", "row", (operation,), make, frozenset(needs)
            )
        if "*" not in path and path not in ("reports", "errors", "recommendations"):
            make = changed(at(path, mapped(edits.turned)))
            if operation not in ORDERED:
                needs.add("departures")
            yield Mutant(
                f"{operation}: {path}: turned around", "order", (operation,), make, frozenset(needs)
            )
        # an unknown rule is not found, so it has no empty list
        if path not in MAY_BE_EMPTY or operation == "clusters_detail":
            continue
        yield Mutant(
            f"{operation}: {path}: null for nothing, nothing for null", "null", (operation,),
            changed(at(path, mapped(_swapped))),
        )  # fmt: skip
    yield from _names()


def _swapped(rows: Any) -> Any:
    """Return null instead of an empty list, and the other way round."""
    if rows is None:
        return []
    return rows or None


def _names() -> Iterator[Mutant]:
    """Yield names that are written in another way or belong to another column."""
    upper: dict[str, Callable[[Any], Any]] = {"in upper case": lambda old: old.upper()}
    shorter = {**upper, "without .report": lambda old: old.replace(".report", "")}
    longer = {**upper, "with .report": lambda old: re.sub(r"(\||$)", r".report\1", old, count=1)}
    for operation, path, ways in (
        ("report", "report.reports.*.component", shorter),
        ("rule", "report.component", shorter),
        ("cluster_recommendations", "clusters.*.recommendations.*", longer),
        ("disabled", "rules.*.RuleID", shorter),
        ("acks", "disabledRules.*.rule_id", shorter),
        ("ack", "disabledRule.rule_id", shorter),
        ("rating", "rating.rule", longer),
        ("namespace_workloads", "workloads.recommendations.*.check", longer),
        ("reasons", "reasons.*.RuleID", shorter),
    ):
        for name, way in ways.items():
            needs = frozenset({"writes"} if operation in WRITTEN | {"ack", "rating"} else ())
            yield Mutant(
                f"{operation}: rules {name}", "name", (operation,),
                changed(at(path, mapped(way))), needs,
            )  # fmt: skip
    for operation, path, key, rule in (
        ("report", "report.reports.0.key", "key", "component"),
        ("disabled", "rules.0.ErrorKey", "ErrorKey", "RuleID"),
        ("acks", "disabledRules.0.error_key", "error_key", "rule_id"),
    ):
        yield Mutant(
            f"{operation}: rule and key exchanged", "name", (operation,),
            changed(at(path, _exchanged(key, rule))),
        )  # fmt: skip


def _exchanged(one: str, other: str) -> edits.Edit:
    def edit(parent: Any, key: Any) -> None:
        parent[one], parent[other] = parent[other], parent[one]

    return edit
