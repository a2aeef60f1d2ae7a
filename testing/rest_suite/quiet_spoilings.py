"""Spoilings that leave each answer plausible by itself: only others, or what was done, tell."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from . import damage
from .damage import Change, Edit, at, drop, mapped, refusal, value
from .lapses import Make, changed
from .middleware import Answer, Forward, Middleware, Request, Spoiling

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
    "loses letters beyond 16 bits": lambda text: re.sub(r"[^\u0000-\uffff]", "?", text),
    "loses line feeds": lambda text: text.replace("\n", " "),
    "loses quotes": lambda text: text.replace("'", ""),
    "is escaped twice": lambda text: text.replace("&", "&amp;"),
}
_SAID = ("disable_feedback", "ack_disable", "ack_update")


def quiet() -> Iterator[Spoiling]:
    """Yield all of them."""
    yield from _of_times()
    yield from _of_rows()
    yield from _of_writes()
    yield from _of_some()


def _one(name: str, make: Make, *needs: str) -> Spoiling:
    return Spoiling(name, "quiet", ("*",), make, frozenset(filter(None, needs)))


def _for(operation: str, change: Change) -> Make:
    """Change the answers of one operation."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return change(answer) if request.operation == operation else answer

    return lambda: middleware


def _of_times() -> Iterator[Spoiling]:
    """Yield clocks that are wrong, and times that do not move."""
    yield _one("all times are two hours late", changed(damage.body(_moved(2))), "writes")
    yield _one("all times are two hours early", changed(damage.body(_moved(-2))), "writes")
    keys = ("ClusterID", "RuleID", "ErrorKey")
    for operation, path, names in (
        ("disabled", "rules.*.DisabledAt", keys),
        ("ack", "disabledRule.created_at", ("rule_id", "error_key", "org_id")),
        ("reasons", "reasons.*.UpdatedAt", (*keys, "AddedAt")),
    ):
        yield _one(
            f"{operation}: the first {path} stays", _first_time(operation, path, *names), "writes"
        )
    for name, other in (("AddedAt", "UpdatedAt"), ("UpdatedAt", "AddedAt")):
        change = at("reasons.*", mapped(_copied(name, other)))
        yield _one(f"reasons: {name} is {other}", _for("reasons", change), "writes")


def _moved(hours: float) -> Callable[[bytes], bytes]:
    """Return what moves every time of a body."""
    move = damage.moved(hours=hours)

    def moved(found: re.Match[bytes]) -> bytes:
        return str(move(found[0].decode() + "Z"))[:-1].encode()

    return lambda body: _TIME.sub(moved, body)


def _copied(name: str, other: str) -> Callable[[Any], Any]:
    """Return what puts the value of another member there."""
    return lambda row: {**row, name: row[other]}


def _first_time(operation: str, path: str, *names: str) -> Make:
    """Answer with the time that a row had when it was shown for the first time."""

    def make() -> Middleware:
        known: dict[tuple[str, ...], Any] = {}

        def first(row: Any, name: str) -> None:
            row[name] = known.setdefault(tuple(str(row[key]) for key in names), row[name])

        return _for(operation, at(path, first))()

    return make


def _of_rows() -> Iterator[Spoiling]:
    """Yield lists cut short, and values of two rows exchanged."""
    for operation, path, need in _LISTS:
        for most in (2, 5):
            make = _for(operation, at(path, mapped(_cut(most))))
            yield _one(f"{operation}: {path} has {most} rows at most", make, need)
    for operation, path, name in _PAIRS:
        make = _for(operation, at(path, mapped(_exchanged(name))))
        yield _one(f"{operation}: {name or 'all'} of two {path} exchanged", make)


def _cut(most: int) -> Callable[[Any], Any]:
    """Return what shows no more rows than so many."""
    return lambda rows: rows[:most]


def _exchanged(name: str) -> Callable[[Any], Any]:
    """Return what gives the first two rows, or members by name, each other's value."""

    def exchange(rows: Any) -> Any:
        keys = list(rows) if isinstance(rows, dict) else list(range(len(rows or ())))
        if len(keys) < 2:
            return rows
        one, two = keys[:2]
        if not name:
            rows[one], rows[two] = rows[two], rows[one]
        else:
            rows[one][name], rows[two][name] = rows[two][name], rows[one][name]
        return rows

    return exchange


def _of_writes() -> Iterator[Spoiling]:
    """Yield what a write does beside, or does not do."""
    for operation, path, edit in _HIDDEN:
        make = _while_disabled(operation, at(path, edit))
        yield _one(f"{operation}: leaves out what is disabled ({path})", make, "writes")
    for operation, other in _BESIDE:
        yield _one(f"{operation}: does {other}, too", _beside(operation, other), "writes")
    for name in _COUNTERS:
        make = _for("metrics", damage.body(_standing(name)))
        yield _one(f"{name} stands still", make, "writes")
    for name, change in _TEXTS.items():
        yield _one(f"a text {name}", _sent_as(change), "writes")


def _standing(name: str) -> Callable[[bytes], bytes]:
    """Return what shows the same value of a metric for ever."""
    pattern = re.compile(rb"(?m)^(\w*%b.*) \S+$" % name.encode())
    return lambda body: pattern.sub(rb"\1 7", body)


def _while_disabled(operation: str, change: Change) -> Make:
    def make() -> Middleware:
        disabled: set[str] = set()

        def middleware(request: Request, forward: Forward) -> Answer:
            answer = forward(request)
            if request.operation == "disable":
                disabled.add(request.params["cluster"])
            elif request.operation == "enable":
                disabled.discard(request.params["cluster"])
            concerned = any(name.encode() in answer.body for name in disabled)
            mine = request.params.get("cluster") in disabled or concerned
            return change(answer) if mine and request.operation == operation else answer

        return middleware

    return make


def _beside(operation: str, other: str) -> Make:
    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        if request.operation == operation and answer.status == 200:
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
        if request.operation not in _SAID:
            return forward(request)
        answer = forward(replace(request, body=json.dumps(stored).encode()))
        found = answer.json
        return answer.with_json({**found, name: text}) if answer.status == 200 else answer

    return lambda: middleware


def _of_some() -> Iterator[Spoiling]:
    """Yield values that are not kept, and single items that are not found."""
    yield _one("report: large numbers are rounded", _for("report", damage.body(_rounded)))
    versions = _for("info", at("info", mapped(_versions_exchanged)))
    yield _one("info: versions of the schemas exchanged", versions)
    missing = refusal(404, "Item with ID 1 was not found in the storage")
    broken = refusal(500, "Internal Server Error")
    for operation, name in (
        ("report", "cluster"), ("report_info", "cluster"), ("clusters", "organization"),
        ("clusters_detail", "rule_selector"),
    ):  # fmt: skip
        yield _one(f"{operation}: 404 for some {name}", _for_some(operation, name, missing))
        yield _one(f"{operation}: 500 for some {name}", _for_some(operation, name, broken))


def _rounded(body: bytes) -> bytes:
    """Return a body whose large numbers are those of double precision."""
    return _LARGE.sub(lambda found: b"%.16e" % float(found[0]), body)


def _versions_exchanged(info: Any) -> Any:
    names = ("OCP_DB_version", "DVO_DB_version")
    one, two = (info.get(name) for name in names)
    return {**info, names[0]: two, names[1]: one}


def _for_some(operation: str, name: str, change: Change) -> Make:
    """Change the answers about a quarter of a parameter's values."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        given = request.params.get(name, "")
        some = zlib.crc32(given.encode()) % 4 == 0 and answer.status == 200
        return change(answer) if some and request.operation == operation else answer

    return lambda: middleware
