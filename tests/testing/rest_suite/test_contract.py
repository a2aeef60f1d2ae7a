"""The suite's copy of the contract against the routes, and against recorded answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from aggregator.handlers.routes import routes
from testing.rest_suite.api import demand_ok
from testing.rest_suite.case import REFERENCE_2026
from testing.rest_suite.checks import CheckFailed
from testing.rest_suite.client import Exchange
from testing.rest_suite.contract import (
    DEFAULT_PREFIX,
    JSON,
    OPERATIONS,
    Operation,
)
from tests.golden.rest_cases import cases

NAME = re.compile(r"\{\w+\}")


def shapes(paths: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return methods and paths without the names of parameters, which nobody sees."""
    return {(method, NAME.sub("{}", path)) for method, path in paths}


def test_the_operations_are_the_routes() -> None:
    served = [
        (method, route.path)
        for route in routes(debug=True)
        for method in route.methods
        if route.prefixed
    ]
    assert shapes([(o.method, o.path) for o in OPERATIONS.values()]) == shapes(served)


def test_operations_answer_options_where_the_routes_do() -> None:
    served = [("OPTIONS", route.path) for route in routes(debug=True) if route.options]
    known = [("OPTIONS", o.path) for o in OPERATIONS.values() if o.options]
    assert shapes(known) == shapes(served)


def test_what_is_written_is_taken_back_by_an_operation_with_the_same_parameters() -> None:
    undone = [o for o in OPERATIONS.values() if o.undo]
    assert undone
    for operation in undone:
        assert OPERATIONS[operation.undo].names == operation.names


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a recorded request calls, the one with most fixed words."""
    path = path.partition("?")[0].removeprefix(DEFAULT_PREFIX)
    fitting = [
        o
        for o in OPERATIONS.values()
        if o.method == method and re.fullmatch(NAME.sub("[^/]+", o.path), path)
    ]
    return max(fitting, key=lambda o: len(NAME.sub("", o.path)), default=None)


def recorded() -> list[Any]:
    """Return the recorded answers 200 of the reference that are JSON, with their operations."""
    return [
        pytest.param(operation, case, id=case["id"])
        for mode in ("noauth", "auth", "nodebug")
        for case in cases(mode)
        if case["expect"]["status"] == 200 and not case.get("bug")
        if isinstance(case["expect"].get("json"), dict)
        if (operation := operation_of(case["method"], case["path"]))
    ]


def exchange(operation: Operation, document: object) -> Exchange:
    """Return an exchange in which the operation answered with a document."""
    return Exchange(
        operation=operation.name,
        method=operation.method,
        url=unquote(operation.path),
        request_headers={},
        request_body=None,
        status=200,
        headers={"content-type": operation.content if operation.content else JSON},
        body=json.dumps(document).encode(),
        seconds=0.0,
        moment=datetime(2026, 3, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(("operation", "case"), recorded())
def test_a_recorded_answer_fits(operation: Operation, case: dict[str, Any]) -> None:
    demand_ok(operation, exchange(operation, case["expect"]["json"]), REFERENCE_2026)


@pytest.mark.parametrize(("operation", "case"), recorded())
def test_a_recorded_answer_with_a_renamed_key_does_not(
    operation: Operation, case: dict[str, Any]
) -> None:
    for key in case["expect"]["json"]:
        document = dict(case["expect"]["json"])
        document[f"{key}s"] = document.pop(key)
        with pytest.raises(CheckFailed):
            demand_ok(operation, exchange(operation, document), REFERENCE_2026)


def test_answers_of_nearly_all_operations_are_recorded() -> None:
    known = {param.values[0].name for param in recorded()}
    now = {o.name for o in OPERATIONS.values() if REFERENCE_2026 in o.profiles}
    assert now - known <= {"metrics", "openapi", "report_info", "delete_clusters"}
