"""Each case about the service itself passes on correct answers and kills its mutants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from testing.rest_suite.cases import about
from tests.mutation import edits
from tests.mutation.middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)
from tests.mutation.operators import Make, changed, remembered

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    edited,
    only,
)
from .trials import BoundCase, Mutant, collected, trials


def without_path(pattern: str) -> Make:
    """Leave paths out of the description."""

    def some(paths: dict[str, Any]) -> dict[str, Any]:
        return {path: value for path, value in paths.items() if not re.search(pattern, path)}

    return edited("paths", some)


def written(old: bytes, new: bytes) -> Make:
    """Write the text of an answer differently."""
    return changed(edits.body(lambda body: body.replace(old, new)))


def of_health(change: edits.Change) -> Make:
    """Change what is said of health."""
    return only(lambda request: request.target in about.HEALTH, change)


def another_each_time() -> Middleware:
    """Tell of another build each time."""
    seen: list[Request] = []

    def middleware(request: Request, forward: Forward) -> Answer:
        seen.append(request)
        return edits.at("info.BuildTime", edits.value(str(len(seen))))(forward(request))

    return middleware


GAUGES = changed(edits.body(lambda body: re.sub(rb" (counter|histogram)\n", b" gauge\n", body)))
LOST_METRICS = changed(edits.body(lambda body: b"# TYPE x counter\nx 1\n"))


MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "the_main_endpoint_says_ok": (
        ("main", always("status", "fine")),
        ("main", changed(BROKEN)),
        ("main", changed(edits.body(lambda _: b'{"status":"ok","version":"1"}'))),
    ),
    "the_versions_of_the_schemas_are_told": (
        ("info", always("info.OCP_DB_version", "latest")),
        ("info", always("info.DVO_DB_version", "")),
        ("info", changed(BROKEN)),
    ),
    "the_schema_of_reports_has_had_more_versions": (
        ("info", always("info.DVO_DB_version", "32")),
        ("info", always("info.OCP_DB_version", "4")),
    ),
    "what_is_told_of_the_build_stays": (
        ("info", another_each_time),
    ),
    "the_build_is_told": (
        ("info", always("info.*", "1.0")),
        ("info", always("info.*", "")),
    ),
    "a_metric_is_there": (
        ("metrics", LOST_METRICS),
        ("metrics", GAUGES),
        ("metrics", changed(edits.body(lambda body: re.sub(rb"(?m)^[^#].*\n", b"", body)))),
    ),
    "metrics_count": (("metrics", lambda: remembered()),),
    "requests_are_counted": (
        ("metrics", lambda: remembered()),
        ("metrics", changed(edits.standing("api_endpoints_requests"))),
    ),
    "votes_and_reasons_are_counted": (("metrics", changed(edits.standing("feedback_on_rules"))),),
    "ratings_are_counted": (("metrics", changed(edits.standing("rating_on_rules"))),),
    "every_operation_is_described": (
        ("openapi", without_path("/report$")),
        ("openapi", always("paths", {})),
        ("openapi", without_path("rating")),
        ("openapi", written(b'"put"', b'"patch"')),
    ),
    "debugging_is_described_where_it_is_on": (
        ("openapi", without_path("get_vote$")),
        ("openapi", without_path("^/?organizations$")),
    ),
    "health_is_told_to_anybody": (
        ("raw", of_health(edits.status(503))),
        ("raw", of_health(edits.body(lambda _: b'{"status":"paused"}'))),
    ),
}  # fmt: skip

PLACEHOLDER = ("every_operation_is_described", "debugging_is_described_where_it_is_on")


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(about), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(about, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, _ = instance.outcome(case, operation, make)
    assert outcome == "failed"


@pytest.mark.parametrize(
    "case",
    [case for case in collected(about) if case.name in PLACEHOLDER],
    ids=lambda case: case.name,
)
def test_placeholder_for_the_description_passes(case: BoundCase, instance: MockInstance) -> None:
    body = b'{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{}}'
    outcome, _ = instance.outcome(case, "openapi", changed(edits.body(lambda _: body)))
    assert outcome == "skipped"
