"""Mutants of state: lost or misdirected writes, and permissions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from testing.rest_suite.schemas import RULE

from .. import edits
from ..edits import (
    at,
    mapped,
    refusal,
    status_is,
    value,
)
from ..middleware import (
    Answer,
    Forward,
    Mutant,
    Request,
)
from ..operators import (
    Make,
    changed,
    redirected,
    swallowed,
)

DONE = {"status": "ok"}
OTHERS = {
    "user_id": "somebody-else",
    "error_key": "ANOTHER_KEY",
    "rule_id": "another.rule.report",
    "org_id": "2000000001",
}
VOTES = ("like", "dislike", "reset_vote")
WRITES = {
    **dict.fromkeys((*VOTES, "disable", "enable"), lambda request: DONE),
    **{f"{name}_2020": lambda request: DONE for name in (*VOTES, "disable", "enable")},
    "ack_enable": lambda request: {"status": "rule enabled"},
    "ack_disable": lambda request: _echo(request, "justification"),
    "ack_update": lambda request: _echo(request, "justification"),
    "disable_feedback": lambda request: _echo(request, "message"),
    "rate": lambda request: {"ratings": _json(request), **DONE},
}


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        return {}


def _echo(request: Request, name: str) -> object:
    document = _json(request)
    return {name: document.get(name, "") if isinstance(document, dict) else "", **DONE}


def _one(name: str, kind: str, operation: str, make: Make, *needs: str) -> Mutant:
    departures = ("departures",) if operation.endswith("_2020") else ()
    return Mutant(name, kind, (operation,), make, frozenset((*needs, *departures)))


def lost() -> Iterator[Mutant]:
    """Yield writes that do not happen, or not where they should, and reads that do not see them."""
    for operation, document in WRITES.items():
        yield _one(
            f"{operation}: answers and does nothing", "lost", operation,
            _for_good_ones(swallowed(document)), "writes",
        )  # fmt: skip
    yield from _astray()
    yield from _forgotten()


def _for_good_ones(make: Make) -> Make:
    """Leave it to the instance to refuse: ask it about a user and a rule that nobody sees."""

    def fresh() -> Callable[[Request, Forward], Answer]:
        middleware = make()

        def serve(request: Request, forward: Forward) -> Answer:
            hidden = {
                name: text
                for name, text in (("user_id", "nobody-sees-it"), ("error_key", "NOBODY_SEES_IT"))
                if name in request.params and request.params[name].strip()
            }
            # these are of nobody, and of every key
            toggle = request.operation in ("disable_2020", "enable_2020")
            if toggle and re.fullmatch(RULE["pattern"], request.params["rule_id"]):
                hidden["rule_id"] = "nobody.sees.it"
            probe = request.with_params(**hidden)
            if request.operation == "rate":
                probe = _rated_unseen(request)
            answer = forward(probe)
            return middleware(request, forward) if answer.status == 200 else answer

        return serve

    return fresh


def _rated_unseen(request: Request) -> Request:
    document = _json(request)
    if not isinstance(document, dict) or "|" not in str(document.get("rule")):
        return request
    unseen = {**document, "rule": f"{document['rule']}_UNSEEN"}
    headers = tuple(pair for pair in request.headers if pair[0].lower() != "content-length")
    return replace(request, body=json.dumps(unseen).encode(), headers=headers)


def _astray() -> Iterator[Mutant]:
    """Yield writes and reads that concern another user, rule, key or organization."""
    for operation, names in {
        "like": ("user_id", "error_key"),
        "dislike": ("user_id", "rule_id"),
        "disable": ("error_key", "rule_id", "org_id"),
        "disable_feedback": ("user_id", "error_key", "org_id"),
        "ack_disable": ("error_key", "org_id"),
        "rate": ("org_id",),
        "report": ("user_id",),
        "rule": ("user_id",),
        "reasons": ("user_id",),
        "rating": ("org_id",),
        "acks": ("org_id",),
        "disabled": ("org_id",),
        "workloads": ("org_id",),
    }.items():
        for name in names:
            needs = () if operation == "workloads" else ("writes",)
            yield _one(
                f"{operation}: for another {name}", "astray", operation,
                redirected(_with(name, OTHERS[name])), *needs,
            )  # fmt: skip
    for operation, done in (
        ("like", "dislike"), ("dislike", "like"), ("like", "reset_vote"), ("reset_vote", "like"),
        ("disable", "enable"), ("enable", "disable"), ("dislike", "reset_vote"),
    ):  # fmt: skip
        yield _one(
            f"{operation}: does {done}", "astray", operation, redirected(_as(done)), "writes"
        )
    for operation in ("like", "ack_disable", "ack_update", "disable_feedback"):
        yield _one(
            f"{operation}: loses its text", "astray", operation,
            redirected(_with_body(b'{"message":"","justification":""}')), "writes",
        )  # fmt: skip
    for operation in ("clusters_detail", "disabled_for_clusters", "workloads_by_body"):
        yield _one(
            f"{operation}: does not limit to the clusters", "astray", operation,
            _unlimited, *(("writes",) if operation == "disabled_for_clusters" else ()),
        )  # fmt: skip


def _with(name: str, text: str) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        given = request.params.get(name, "")
        return request if not given.strip() or given == "0" else request.with_params(**{name: text})

    return change


def _as(operation: str) -> Callable[[Request], Request]:
    return lambda request: request.as_operation(operation)


def _with_body(body: bytes) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        document = _json(request)
        good = isinstance(document, dict) and all(
            isinstance(text, str) and len(text) < 200 for text in document.values()
        )
        return replace(request, body=body) if request.body and good else request

    return change


def _unlimited() -> Callable[[Request, Forward], Answer]:
    """Answer as if no list had been given, or the lists of all requests so far."""
    seen: list[str] = []

    def middleware(request: Request, forward: Forward) -> Answer:
        document = _json(request)
        names = document.get("clusters") if isinstance(document, dict) else document
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return forward(request)
        seen.extend(name for name in names if name not in seen)
        wider = {"clusters": seen} if isinstance(document, dict) else seen
        return forward(replace(request, body=json.dumps(wider).encode()))

    return middleware


_ALWAYS: tuple[tuple[str, str, object], ...] = (
    ("report", "report.reports.*.user_vote", 0),
    ("rule", "report.user_vote", 0),
    ("get_vote", "vote", 0),
    ("report", "report.reports.*.disabled", False),
    ("rule", "report.disabled", False),
    ("report", "report.reports.*.disabled", True),
    ("rule", "report.disabled", True),
    ("report", "report.reports.*.disable_feedback", ""),
    ("rule", "report.disable_feedback", ""),
    ("report", "report.reports.*.disabled_at", ""),
    ("rule", "report.disabled_at", ""),
    ("disabled", "rules", []),
    ("disabled_for_clusters", "rules", []),
    ("disabled_clusters", "clusters", None),
    ("reasons", "reasons", []),
    ("acks", "disabledRules", []),
    ("ack", "disabledRule.justification", ""),
    ("rating", "rating.rating", 0),
    ("disabled_clusters", "clusters.*.justification", ""),
)


def _forgotten() -> Iterator[Mutant]:
    """Yield what is not shown although it is there, and shown although it is not."""
    for operation, path, wrong in _ALWAYS:
        yield _one(
            f"{operation}: {path} is always {json.dumps(wrong)}", "forgotten", operation,
            changed(at(path, value(wrong))), "writes",
        )  # fmt: skip
    for operation in ("ack", "rating", "get_vote"):
        yield _one(
            f"{operation}: never found", "forgotten", operation,
            changed(refusal(404, "Item with ID 1 was not found in the storage"), status_is(200)),
            "writes",
        )  # fmt: skip
    for operation, path in (("report", "report.reports.*.user_vote"), ("rule", "report.user_vote")):
        yield _one(
            f"{operation}: votes turned around", "forgotten", operation,
            changed(at(path, mapped(lambda vote: -vote))), "writes",
        )  # fmt: skip
    yield from _miscounted()


def _miscounted() -> Iterator[Mutant]:
    """Yield counts that do not fit what they count."""
    yield _one(
        "report: count counts one too many", "count", "report",
        changed(at("report.meta.count", mapped(lambda count: count + 1 or 1))),
    )  # fmt: skip
    for operation, path in (
        ("report", "report.meta.count"), ("report_info", "metainfo.count"),
    ):  # fmt: skip
        yield _one(
            f"{operation}: 0 instead of -1", "count", operation,
            changed(at(path, mapped(lambda count: max(count, 0)))),
        )  # fmt: skip


def allowed() -> Iterator[Mutant]:
    """Yield missing checks of authentication and permission, and wrong refusals."""
    for name, make in {
        "no token is as good as one": _as_anybody,
        "another organization's token will do": _as_owner,
        "401 becomes 403": changed(edits.status(403), status_is(401)),
        "403 becomes 401": changed(edits.status(401), status_is(403)),
        "403 becomes 404": changed(edits.status(404), status_is(403)),
        "401 with another text": changed(edits.text("Unauthorized"), status_is(401)),
        "403 with another text": changed(edits.text("Forbidden"), status_is(403)),
        "401 without JSON": changed(edits.body(lambda body: b"no\n"), status_is(401)),
        "401 becomes 500": changed(refusal(500, "Internal Server Error"), status_is(401)),
    }.items():
        yield Mutant(name, "auth", ("*",), make, frozenset({"auth"}))
    for operation in ("clusters", "like", "get_vote", "disable", "disable_feedback"):
        yield _one(f"{operation}: for every organization", "auth", operation, _as_owner, "auth")
    for operation in ("report", "acks", "ack_disable", "rate", "workloads", "recommendations"):
        yield _one(
            f"{operation}: for every organization", "auth", operation, _as_owner,
            "auth", "departures",
        )  # fmt: skip
    for operation in ("info", "main", "report", "acks", "organizations", "like", "workloads"):
        yield _one(f"{operation}: without a token", "auth", operation, _as_anybody, "auth")


def _as_anybody() -> Callable[[Request, Forward], Answer]:
    """Let requests without a token pass: with the last good one."""
    good: dict[str, str] = {}

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        for name in ("x-rh-identity", "Authorization"):
            if answer.status == 200 and request.header(name):
                good[name] = request.header(name)
        if answer.status != 401 or not good:
            return answer if answer.status != 401 else replace(answer, status=200).with_json(DONE)
        kept = tuple(
            pair for pair in request.headers if pair[0].lower() not in map(str.lower, good)
        )
        return forward(replace(request, headers=(*kept, *good.items())))

    return middleware


def _as_owner() -> Callable[[Request, Forward], Answer]:
    """Let everybody be who he needs to be; where that cannot be said, answer that it is done."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        if answer.status != 403:
            return answer
        org = request.params.get("org_id") or request.params.get("organization")
        if not org or not request.header("x-rh-identity"):
            return replace(answer, status=200).with_json(DONE)
        identity = {"identity": {"org_id": org, "account_number": "1", "user": {"user_id": "1"}}}
        token = base64.b64encode(json.dumps(identity).encode()).decode()
        return forward(request.with_headers(x_rh_identity=token))

    return middleware
