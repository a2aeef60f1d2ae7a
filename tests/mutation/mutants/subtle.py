"""Subtle mutants: each answer is plausible; only other answers or earlier writes reveal them."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .. import edits
from ..edits import (
    Change,
    Edit,
    at,
    drop,
    mapped,
    refusal,
    value,
)
from ..middleware import (
    Answer,
    Forward,
    Middleware,
    Mutant,
    Request,
)
from ..operators import Make, changed, while_disabled

_TIME = re.compile(rb"(?<=\")2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d")
_LARGE = re.compile(rb"(?<=[:\[,])(\d{16,})(?=[,}\]])")
# operation and path of a list, what must be allowed for it to have rows
_LISTS = (
    ("acks", "disabledRules", "writes"),
    ("disabled", "rules", "writes"),
    ("disabled_for_clusters", "rules", "writes"),
    ("reasons", "reasons", "writes"),
    ("disabled_clusters", "clusters", "writes"),
    ("clusters_detail", "clusters", ""),
    ("report", "report.reports", ""),
    ("cluster_recommendations", "clusters.*.recommendations", ""),
    ("recommendations", "recommendations.*", ""),
)
# path of rows, or of members by name, and what of two of them is exchanged
_PAIRS = (
    ("report", "report.reports", "details"),
    ("reports", "reports", ""),
    ("reports_by_body", "reports", ""),
    ("cluster_recommendations", "clusters", "recommendations"),
    ("workloads", "workloads", "metadata"),
    ("workloads", "workloads", "recommendations_hit_count"),
)
_HIDDEN: tuple[tuple[str, str, Edit], ...] = (
    ("report", "report.reports.0", drop),
    ("report", "report.meta.count", value(1)),
    ("report_info", "metainfo.count", value(1)),
    ("reports_by_body", "reports.*.reports.0", drop),
    ("recommendations", "recommendations.*", drop),
    ("cluster_recommendations", "clusters.*", drop),
    ("clusters_detail", "clusters", value([])),
    ("rule", "report.details", value({})),
)
_COUNTERS = ("api_endpoints_requests", "feedback_on_rules", "rating_on_rules")
_BESIDE = (
    ("like", "enable"), ("like", "disable"), ("reset_vote", "enable"), ("dislike", "disable"),
    ("disable_feedback", "disable"), ("disable_feedback", "dislike"), ("ack_update", "ack_enable"),
)  # fmt: skip
_TEXTS: dict[str, Callable[[str], str]] = {
    "loses blanks around": str.strip,
    "loses letters beyond 16 bits": edits.of_16_bits,
    "loses line feeds": lambda text: text.replace("\n", " "),
    "loses quotes": lambda text: text.replace("'", ""),
    "is escaped twice": lambda text: text.replace("&", "&amp;"),
}
_SAID = ("disable_feedback", "ack_disable", "ack_update")


def subtle() -> Iterator[Mutant]:
    """Yield all of them."""
    yield from _of_times()
    yield from _of_rows()
    yield from _of_writes()
    yield from _of_some()


def _one(name: str, operations: str | tuple[str, ...], make: Make, *needs: str) -> Mutant:
    of = (operations,) if isinstance(operations, str) else operations
    return Mutant(name, "subtle", of, make, frozenset(filter(None, needs)))


def _of_times() -> Iterator[Mutant]:
    """Yield wrong clocks and times that do not change."""
    for word, hours in (("late", 2), ("early", -2)):
        make = changed(edits.body(_moved(hours)))
        yield _one(f"all times are two hours {word}", "*", make, "writes")
    keys = ("ClusterID", "RuleID", "ErrorKey")
    for operation, path, names in (
        ("disabled", "rules.*.DisabledAt", keys),
        ("ack", "disabledRule.created_at", ("rule_id", "error_key", "org_id")),
        ("reasons", "reasons.*.UpdatedAt", (*keys, "AddedAt")),
    ):
        make = _first_time(path, *names)
        yield _one(f"{operation}: the first {path} stays", operation, make, "writes")
    for name, other in (("AddedAt", "UpdatedAt"), ("UpdatedAt", "AddedAt")):
        make = changed(at("reasons.*", mapped(edits.copied(name, other))))
        yield _one(f"reasons: {name} is {other}", "reasons", make, "writes")


def _moved(hours: float) -> Callable[[bytes], bytes]:
    """Return what moves every time of a body."""
    move = edits.moved(hours=hours)

    def moved(found: re.Match[bytes]) -> bytes:
        return str(move(found[0].decode() + "Z"))[:-1].encode()

    return lambda body: _TIME.sub(moved, body)


def _first_time(path: str, *names: str) -> Make:
    """Answer with the time that a row had when it was shown for the first time."""

    def make() -> Middleware:
        known: dict[tuple[str, ...], Any] = {}

        def first(row: Any, name: str) -> None:
            row[name] = known.setdefault(tuple(str(row[key]) for key in names), row[name])

        return changed(at(path, first))()

    return make


def _of_rows() -> Iterator[Mutant]:
    """Yield lists cut short, and values of two rows exchanged."""
    for operation, path, need in _LISTS:
        for most in (2, 5):
            make = changed(at(path, mapped(edits.cut(most))))
            yield _one(f"{operation}: {path} has {most} rows at most", operation, make, need)
    for operation, path, name in _PAIRS:
        make = changed(at(path, mapped(edits.exchanged(name))))
        yield _one(f"{operation}: {name or 'all'} of two {path} exchanged", operation, make)


def _of_writes() -> Iterator[Mutant]:
    """Yield side effects of writes, and effects that are missing."""
    for operation, path, edit in _HIDDEN:
        make = while_disabled(operation, at(path, edit))
        of = ("disable", "enable", operation)
        yield _one(f"{operation}: leaves out what is disabled ({path})", of, make, "writes")
    for operation, other in _BESIDE:
        yield _one(f"{operation}: does {other}, too", operation, _beside(other), "writes")
    for name in _COUNTERS:
        make = changed(edits.standing(name))
        yield _one(f"{name} stands still", "metrics", make, "writes")
    for name, change in _TEXTS.items():
        yield _one(f"a text {name}", _SAID, _sent_as(change), "writes")


def _beside(other: str) -> Make:
    """Do another operation, too, where it is done."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        if answer.status == 200:
            forward(replace(request, body=b"").as_operation(other))
        return answer

    return lambda: middleware


def _sent_as(change: Callable[[str], str]) -> Make:
    """Store another text than the one sent, and answer the one sent."""

    def middleware(request: Request, forward: Forward) -> Answer:
        try:
            document = json.loads(request.body)
            name = next(name for name in ("message", "justification") if name in document)
            text = document[name]
            stored = {**document, name: change(text)}
        except (ValueError, TypeError, AttributeError, StopIteration):
            return forward(request)
        answer = forward(replace(request, body=json.dumps(stored).encode()))
        found = answer.json
        return answer.with_json({**found, name: text}) if answer.status == 200 else answer

    return lambda: middleware


def _of_some() -> Iterator[Mutant]:
    """Yield values that are lost, and single items that are not found."""
    rounded = changed(edits.body(_rounded))
    yield _one("report: large numbers are rounded", "report", rounded)
    versions = changed(at("info", mapped(_versions_exchanged)))
    yield _one("info: versions of the schemas exchanged", "info", versions)
    missing = refusal(404, "Item with ID 1 was not found in the storage")
    broken = refusal(500, "Internal Server Error")
    for operation, name in (
        ("report", "cluster"), ("report_info", "cluster"), ("clusters", "organization"),
        ("clusters_detail", "rule_selector"),
    ):  # fmt: skip
        yield _one(f"{operation}: 404 for some {name}", operation, _for_some(name, missing))
        yield _one(f"{operation}: 500 for some {name}", operation, _for_some(name, broken))


def _rounded(body: bytes) -> bytes:
    """Return a body whose large numbers are those of double precision."""
    return _LARGE.sub(lambda found: b"%.16e" % float(found[0]), body)


def _versions_exchanged(info: Any) -> Any:
    names = ("OCP_DB_version", "DVO_DB_version")
    one, two = (info.get(name) for name in names)
    return {**info, names[0]: two, names[1]: one}


def _for_some(name: str, change: Change) -> Make:
    """Change the answers about a quarter of a parameter's values."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        given = request.params.get(name, "")
        some = zlib.crc32(given.encode()) % 4 == 0 and answer.status == 200
        return change(answer) if some else answer

    return lambda: middleware
