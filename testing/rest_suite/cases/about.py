"""Main endpoint, info, metrics and OpenAPI document (contract rest-api 3.0)."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    each,
    profiles,
    writes,
)
from ..checks import check, equal, skip
from ..contract import OPERATIONS, Operation
from ..data import Data
from .ratings import rate

SCHEMAS = ("OCP_DB_version", "DVO_DB_version")
NO_SCHEMA = "not supported"
BUILD = {
    "BuildVersion": r"v\d+\.\d+\.\d+\S*",
    "BuildCommit": r"[0-9a-f]{40}",
    "UtilsVersion": r"v\d+\.\d+.*",
}
UNKNOWN = "*not set*"
METRICS = {
    "api_endpoints_requests": "counter",
    "consumed_messages": "counter",
    "consuming_errors": "counter",
    "failed_messages_processing_time": "histogram",
    "feedback_on_rules": "counter",
    "last_checked_timestamp_lag_minutes": "histogram",
    "messages_with_empty_rule_execution_result": "counter",
    "produced_messages": "counter",
    "rating_on_rules": "counter",
    "successful_messages_processing_time": "histogram",
    "written_reports": "counter",
}
TRIES = 5
HEALTH = ("/livez", "/readyz")
_PARAMETER = re.compile(r"\{\w+\}")
_TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)


def described(api: Api) -> set[tuple[str, str]]:
    """Return method and path, the parameters without names, of each operation described."""
    document = api.ok("openapi")
    paths = document["paths"]
    # what was emptied on the way still has the parts that its paths refer to
    if not paths and (api.instance.profile != DEPARTURES or "components" not in document):
        skip("the description is empty, as a placeholder for server.api_spec_file is")
    return {
        (method.upper(), _PARAMETER.sub("{}", path).lstrip("/"))
        for path, operations in paths.items()
        for method in operations
        if method in ("get", "put", "post", "delete")
    }


def existing(api: Api, *, debug: bool) -> list[Operation]:
    """Return the operations that the instance has, or would have with debug switched on."""
    return [
        operation
        for operation in OPERATIONS.values()
        if api.instance.profile in operation.profiles and operation.debug is debug
    ]


def shown(operation: Operation) -> tuple[str, str]:
    """Return an operation as `described` shows it."""
    return operation.method, _PARAMETER.sub("{}", operation.path)


def counted(api: Api, name: str) -> float:
    """Return the sum of a counter's values, whatever its prefix and labels."""
    pattern = rf"^(?:\w+_)?{name}(?:_total)?(?:\{{.*\}})? (\S+)"
    return sum(float(value) for value in re.findall(pattern, api.ok("metrics"), re.MULTILINE))


def is_counted(api: Api, name: str, act: Callable[[], object]) -> None:
    """Fail the case unless what is done makes a counter rise.

    Several instances that share an address count for themselves: one of some looks shows it.
    """
    for _ in range(TRIES):
        before = counted(api, name)
        act()
        if counted(api, name) > before:
            return
    check(False, f"{name} does not rise")


def test_the_main_endpoint_says_ok(api: Api, data: Data) -> None:
    equal(api.ok("main"), {"status": "ok"}, "answer of the main endpoint")


@profiles(*CURRENT)
def test_the_versions_of_the_schemas_are_told(api: Api, data: Data) -> None:
    info = api.ok("info")["info"]
    for name in SCHEMAS:
        check(info[name].isdigit() or info[name] == NO_SCHEMA, f"{name}: {info[name]!r}")


@profiles(*CURRENT)
def test_the_schema_of_reports_has_had_more_versions(api: Api, data: Data) -> None:
    info = api.ok("info")["info"]
    ocp, dvo = (info[name] for name in SCHEMAS)
    if not (ocp.isdigit() and dvo.isdigit()):
        skip("one of the schemas has no version")
    check(int(ocp) > int(dvo), f"{SCHEMAS[0]} is {ocp}, {SCHEMAS[1]} is {dvo}")


@profiles(*CURRENT)
def test_what_is_told_of_the_build_stays(api: Api, data: Data) -> None:
    equal(api.ok("info"), api.ok("info"), "info")


@profiles(DEPARTURES)
@each(*BUILD)
def test_the_build_is_told(api: Api, data: Data, name: str) -> None:
    told = api.ok("info")["info"][name]
    known = re.fullmatch(BUILD[name], told) or told == UNKNOWN
    check(known, f"{name}: {told!r} is not like {BUILD[name]}")


@profiles(*CURRENT)
@each(*METRICS)
def test_a_metric_is_there(api: Api, data: Data, name: str) -> None:
    text = api.ok("metrics")
    kinds = dict(_TYPE.findall(text))
    found = [one for one in kinds if one == name or one.endswith(f"_{name}")]
    check(found, f"no metric {name}, with or without a prefix")
    equal(kinds[found[0]], METRICS[name], f"type of {found[0]}")
    check(re.search(rf"^{found[0]}[ {{_]", text, re.MULTILINE), f"no value of {found[0]}")


def test_metrics_count(api: Api, data: Data) -> None:
    first = api.ok("metrics")
    for _ in range(TRIES):
        api.ok("main")
        if api.ok("metrics") != first:
            return
    check(False, f"metrics are the same after {TRIES} requests")


@profiles(*CURRENT)
def test_requests_are_counted(api: Api, data: Data) -> None:
    is_counted(api, "api_endpoints_requests", lambda: api.ok("main"))


@writes
@profiles(*CURRENT)
def test_votes_and_reasons_are_counted(api: Api, data: Data) -> None:
    hit, user = data.own_hit(), data.user()
    params = {**hit.params, "user_id": user}
    is_counted(api, "feedback_on_rules", lambda: api.ok("like", **params))
    body = {"message": "counted"}
    is_counted(api, "feedback_on_rules", lambda: api.ok("disable_feedback", **params, body=body))


@writes
@profiles(*CURRENT)
def test_ratings_are_counted(api: Api, data: Data) -> None:
    org_id, rule = data.organization().org_id, data.selector()
    is_counted(api, "rating_on_rules", lambda: rate(api, org_id, rule, 1))


@profiles(*CURRENT)
def test_every_operation_is_described(api: Api, data: Data) -> None:
    known = described(api)
    for operation in existing(api, debug=False):
        if shown(operation) not in known and operation.name in api.instance.behaviour.undescribed:
            api.known_defect(f"openapi.json does not describe {operation.method} /{operation.path}")
            continue
        check(shown(operation) in known, f"{shown(operation)} is not in the description")


@profiles(*CURRENT)
def test_debugging_is_described_where_it_is_on(api: Api, data: Data) -> None:
    known = described(api)
    for operation in existing(api, debug=True):
        there = shown(operation) in known
        equal(there, api.instance.debug, f"{shown(operation)} is in the description")


@profiles(DEPARTURES)
@each(*HEALTH)
def test_health_is_told_to_anybody(api: Api, data: Data, path: str) -> None:
    exchange = api.raw("GET", path, anonymous=True)
    if exchange.status == 404:
        skip(f"{path} is not to be reached from here")
    equal(exchange.status, 200, exchange.place)
    equal(exchange.json, {"status": "ok"}, exchange.place)
