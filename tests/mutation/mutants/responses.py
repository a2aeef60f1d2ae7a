"""Mutants of whole responses: statuses, texts, bodies, headers, routing, errors, times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from testing.rest_suite.contract import JSON, OPERATIONS

from .. import edits
from ..edits import (
    Change,
    Where,
    at,
    header,
    mapped,
    refusal,
    status_is,
    text,
)
from ..middleware import Answer, Mutant, Request
from ..operators import (
    Make,
    again,
    changed,
    every,
    one_of,
    slow,
)
from . import fields

LATE_SECONDS = 1.0
OK = status_is(200)
READS = tuple(
    operation.name
    for operation in OPERATIONS.values()
    if operation.content == JSON and operation.method in ("GET", "POST") and not operation.kind
)
WRITES = tuple(operation.name for operation in OPERATIONS.values() if operation.kind == 1)
ALL = ("*",)


def _text(change: Callable[[str], str]) -> Change:
    """Change the text of an error."""

    def changing(answer: Answer) -> Answer:
        document = answer.json
        if not isinstance(document, dict) or not isinstance(document.get("status"), str):
            return answer
        return text(change(document["status"]))(answer)

    return changing


def _one(name: str, kind: str, operations: Sequence[str], make: Make, *needs: str) -> Mutant:
    return Mutant(name, kind, operations, make, frozenset(needs))


def _statuses() -> Iterator[Mutant]:
    """Yield statuses that are not what they should be."""
    for operation in READS:
        yield _one(
            f"{operation}: 200 becomes 500", "status", (operation,),
            changed(refusal(500, "Internal Server Error"), OK),
        )  # fmt: skip
    for operation in ("report", "report_info", "rule", "clusters_detail", "ack", "rating"):
        yield _one(
            f"{operation}: 404 becomes 200", "status", (operation,),
            changed(edits.status(200), status_is(404)),
        )  # fmt: skip
    for operation in ("like", "disable", "disable_feedback", "get_vote", "namespace_workloads"):
        yield _one(
            f"{operation}: of an unknown one is done", "status", (operation,),
            changed(refusal(200, "ok"), status_is(404)), *_needs(operation),
        )  # fmt: skip
    for operation in (*READS, *WRITES):
        if operation not in ("main", "info", "organizations"):
            yield _one(
                f"{operation}: 400 becomes 500", "status", (operation,),
                changed(refusal(500, "Internal Server Error"), status_is(400)), *_needs(operation),
            )  # fmt: skip
    for operation in ("clusters", "reports", "recommendations", "workloads_by_body", "rate"):
        yield _one(
            f"{operation}: 400 becomes 200", "status", (operation,),
            changed(refusal(200, "ok"), status_is(400)), *_needs(operation),
        )  # fmt: skip
    for operation in ("like", "ack_disable", "rate", "report", "recommendations"):
        yield _one(
            f"{operation}: 200 becomes 201", "status", (operation,),
            changed(edits.status(201), OK), *_needs(operation),
        )  # fmt: skip
    yield _one("404 becomes 400", "status", READS, changed(edits.status(400), status_is(404)))
    yield _one("400 becomes 404", "status", READS, changed(edits.status(404), status_is(400)))
    yield _one("400 becomes 422", "status", READS, changed(edits.status(422), status_is(400)))


def _needs(operation: str) -> tuple[str, ...]:
    return ("writes",) if operation in WRITES else ()


def _texts() -> Iterator[Mutant]:
    """Yield texts of errors that are not what they should be."""
    wrong: dict[str, tuple[Callable[[str], str], int]] = {
        "has another text": (lambda old: "Something went wrong", 0),
        "has a full stop more": (lambda old: old + ".", 0),
        "is in lower case": (str.lower, 0),
        "has no value": (lambda old: old.replace("with value", "with the value"), 400),
        "names another item": (lambda old: old.replace("ID ", "ID x", 1), 404),
        "gives it away that it is SQL": (lambda old: old + ": sql: no rows in result set", 404),
    }
    for name, (change, number) in wrong.items():
        for status in (400, 404) if not number else (number,):
            operations = READS + WRITES
            make = changed(_text(change), status_is(status))
            yield _one(f"text of {status} {name}", "text", operations, make)
    for operation in READS + WRITES:
        if operation not in ("main", "info", "organizations"):
            yield _one(
                f"{operation}: 400 with another text", "text", (operation,),
                changed(text("bad request"), status_is(400)), *_needs(operation),
            )  # fmt: skip


def _bodies() -> Iterator[Mutant]:
    """Yield bodies that are broken as such."""
    ways: dict[str, Callable[[bytes], bytes]] = {
        "is cut short": lambda body: body[: len(body) // 2],
        "is followed by another document": lambda body: body + b'{"status":"ok"}\n',
        "is empty": lambda body: b"",
        "is a list": lambda body: b"[" + body.strip() + b"]\n",
        "is text": lambda body: b"ok\n",
        "has a key twice": lambda body: body.replace(b'"status"', b'"status":"x","status"', 1),
        "is in UTF-16": lambda body: body.decode(errors="replace").encode("utf-16"),
        "has the byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    }
    for name, way in ways.items():
        yield _one(f"body {name}", "body", READS, changed(edits.body(way), OK))
    for operation in ("report", "reports", "acks", "workloads", "recommendations", "clusters"):
        yield _one(
            f"{operation}: body is cut short", "body", (operation,),
            changed(edits.body(ways["is cut short"]), OK),
        )  # fmt: skip
    refused = status_is(400, 404)
    yield _one(
        "refusal without a body", "body", READS, changed(edits.body(ways["is empty"]), refused)
    )
    yield _one(
        "refusal with details beside", "body", READS,
        changed(lambda answer: answer.with_json({"detail": "x", **(answer.json or {})}), refused),
    )  # fmt: skip
    yield _one(
        "markup is not escaped", "body", READS,
        changed(edits.body(lambda body: body.replace(b"\\u003c", b"<")), OK), "writes",
    )  # fmt: skip
    for operation in ("main", *WRITES):
        yield _one(
            f"{operation}: status is not ok", "body", (operation,),
            changed(refusal(200, "OK"), OK), *_needs(operation),
        )  # fmt: skip
        yield _one(
            f"{operation}: answers nothing", "body", (operation,),
            changed(lambda answer: answer.with_json({}), OK), *_needs(operation),
        )  # fmt: skip


def _headers() -> Iterator[Mutant]:
    """Yield wrong headers."""
    for wrong in ("text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"):
        yield _one(
            f"Content-Type {wrong}", "header", READS,
            changed(header("Content-Type", wrong), OK),
        )  # fmt: skip
    yield _one("no Content-Type", "header", READS, changed(header("Content-Type", None), OK))
    yield _one(
        "Content-Type of refusals", "header", READS,
        changed(header("Content-Type", "text/plain; charset=utf-8"), status_is(400, 404)),
    )  # fmt: skip
    for operation in ("metrics", "openapi", "clusters", "rating", "namespace_workloads"):
        yield _one(
            f"{operation}: Content-Type", "header", (operation,),
            changed(header("Content-Type", "application/octet-stream"), OK),
        )  # fmt: skip
    yield _one(
        "OPTIONS without Allow", "header", ALL, _options(header("Allow", None)), "departures"
    )
    yield _one(
        "OPTIONS allows DELETE", "header", ALL,
        _options(header("Allow", "DELETE")), "departures",
    )  # fmt: skip
    yield _one("OPTIONS is 405", "status", ALL, _options(edits.status(405)))
    yield _one("no ETag", "header", READS, changed(header("ETag", None)), "departures")
    yield _one(
        "the same ETag for all", "header", READS,
        changed(header("ETag", '"1"'), OK), "departures",
    )  # fmt: skip


def _options(change: Change) -> Make:
    """Change the answers to OPTIONS that are well received."""
    return lambda: (
        lambda request, forward: (
            change(answer)
            if (answer := forward(request)).status == 200 and request.method == "OPTIONS"
            else answer
        )
    )


def _routing(change: Change, when: Where, method: str = "") -> Make:
    """Change answers to requests that are no operation."""

    def middleware(request: Request, forward: Callable[[Request], Answer]) -> Answer:
        answer = forward(request)
        fits = not request.operation and when(answer) and method in ("", request.method)
        return change(answer) if fits else answer

    return lambda: middleware


def _paths() -> Iterator[Mutant]:
    """Yield wrong answers to unknown paths, other methods and slashes."""
    done = refusal(200, "ok")
    ways: dict[str, Make] = {
        "unknown path answers 200": _routing(done, status_is(404)),
        "unknown path answers JSON": _routing(refusal(404, "Not Found"), status_is(404)),
        "unknown path with another text": _routing(
            edits.body(lambda body: b"Not Found"), status_is(404)
        ),
        "unknown path without text": _routing(edits.body(lambda body: b""), status_is(404)),
        "other method answers 200": _routing(done, status_is(405)),
        "other method answers 404": _routing(edits.status(404), status_is(405)),
        "other method answers with text": _routing(
            edits.body(lambda body: b"Method Not Allowed"), status_is(405)
        ),
        "POST instead of GET answers 200": _routing(done, status_is(405), "POST"),
        "DELETE answers 200": _routing(done, status_is(405), "DELETE"),
        "HEAD answers 200": _routing(edits.status(200), status_is(405), "HEAD"),
        "slash too many answers 404": _routing(edits.status(404), status_is(301)),
        "redirects are temporary": _routing(edits.status(302), status_is(301)),
        "redirects lead elsewhere": _routing(header("Location", "/"), status_is(301)),
        "redirects lead nowhere": _routing(header("Location", None), status_is(301)),
    }
    for name, make in ways.items():
        yield _one(name, "path", ALL, make)


def _intermittent() -> Iterator[Mutant]:
    """Yield intermittent errors, slow answers and closed connections."""
    broken = refusal(500, "Internal Server Error")
    for nth in (5, 23):
        yield _one(f"every {nth}th answer is 500", "rare", READS, every(nth, broken))
    yield _one("every 11th answer is 503", "rare", READS, every(11, refusal(503, "away")))
    hang_up: Change = lambda answer: Answer(0, (), b"")  # noqa: E731
    yield _one("every 13th connection is closed", "rare", READS, every(13, hang_up))
    for operation in ("report", "workloads", "clusters_detail"):
        yield _one(f"{operation}: closes the connection", "rare", (operation,), changed(hang_up))
    for operation, name in (("report", "cluster"), ("report", "user_id"), ("rule", "rule_id")):
        yield _one(f"{operation}: 500 for one {name}", "rare", (operation,), one_of(name, broken))
    for operation, name in (("clusters", "organization"), ("report_info", "cluster")):
        yield _one(
            f"{operation}: 404 for one {name}", "rare", (operation,),
            one_of(name, refusal(404, "Item with ID 1 was not found in the storage")),
        )  # fmt: skip
    for operation in ("like", "disable", "ack_disable", "ack_enable", "rate", "disable_feedback"):
        yield _one(
            f"{operation}: 500 the second time", "rare", (operation,), again(broken), "writes"
        )
    for operation in ("report", "clusters", "acks", "workloads", "like", "recommendations"):
        yield _one(
            f"{operation}: answers late", "slow", (operation,), slow(LATE_SECONDS),
            *_needs(operation),
        )  # fmt: skip


# another form of a time is a fault wherever a time is
_TIME_FORMS: dict[str, Callable[[str], str]] = {
    "have no zone": lambda old: old.removesuffix("Z"),
    "have an offset": lambda old: old.removesuffix("Z") + "+00:00",
    "have microseconds": lambda old: old.removesuffix("Z").partition(".")[0] + ".000001Z",
    "have a blank": lambda old: old.replace("T", " "),
}
_LATE, _EARLY = "are an hour late", "are a second early"
_TIME_SHIFTS = {_LATE: edits.moved(hours=1), _EARLY: edits.moved(seconds=-1)}
# another time is one only where something else in the API tells the right one
_SHIFTED_TIMES = (
    ("report", "report.meta.last_checked_at", (_LATE, _EARLY)),
    ("report", "report.meta.gathered_at", (_LATE, _EARLY)),
    ("report", "report.reports.*.disabled_at", (_LATE, _EARLY)),
    ("report", "report.reports.*.impacted", (_LATE, _EARLY)),
    ("report_info", "metainfo.last_checked_at", (_EARLY,)),
    ("report_info", "metainfo.stored_at", (_EARLY,)),
    ("rule", "report.disabled_at", (_EARLY,)),
    ("clusters_detail", "clusters.*.last_checked_at", (_LATE, _EARLY)),
    ("clusters_detail", "clusters.*.impacted", (_LATE, _EARLY)),
    ("cluster_recommendations", "clusters.*.created_at", (_EARLY,)),
    ("disabled", "rules.*.DisabledAt.Time", (_LATE,)),
    ("disabled_for_clusters", "rules.*.DisabledAt.Time", (_LATE,)),
    ("reasons", "reasons.*.UpdatedAt.Time", (_EARLY,)),
    ("workloads", "workloads.*.metadata.reported_at", (_LATE,)),
    ("workloads", "workloads.*.metadata.last_checked_at", (_EARLY,)),
    ("workloads_by_body", "workloads.*.metadata.reported_at", (_LATE,)),
    ("workloads_by_body", "workloads.*.metadata.last_checked_at", (_EARLY,)),
    ("namespace_workloads", "workloads.metadata.reported_at", (_EARLY,)),
)


def _times() -> Iterator[Mutant]:
    """Yield times in another form, for every time of the API, and times that are shifted."""
    for operation in READS:
        for path in fields.times(operation):
            for name, way in _TIME_FORMS.items():
                yield _time_mutant(operation, path, name, way)
    for operation, path, names in _SHIFTED_TIMES:
        for name in names:
            yield _time_mutant(operation, path, name, _TIME_SHIFTS[name])


def _time_mutant(operation: str, path: str, name: str, way: Callable[[str], str]) -> Mutant:
    written = operation in fields.WRITTEN or path.endswith("disabled_at")
    return _one(
        f"{operation}: times {name} ({path})", "time", (operation,),
        changed(at(path, mapped(_time(way)))), *(("writes",) if written else ()),
    )  # fmt: skip


def _time(way: Callable[[str], str]) -> Callable[[object], object]:
    """Change texts that are times, those before our era and empty ones excepted."""

    def change(old: object) -> object:
        return way(old) if isinstance(old, str) and len(old) > 10 and old[0] != "0" else old

    return change


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of this module."""
    yield from _statuses()
    yield from _texts()
    yield from _bodies()
    yield from _headers()
    yield from _paths()
    yield from _intermittent()
    yield from _times()
