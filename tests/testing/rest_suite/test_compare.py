"""Two instances get the same requests; what differs is shown, what cannot be equal is not."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from testing.rest_suite.api import Api
from testing.rest_suite.case import REFERENCE_2020, REFERENCE_2026
from testing.rest_suite.cases.requests import there
from testing.rest_suite.checks import Skipped
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.compare import Comparison
from testing.rest_suite.compare_data import same_data
from testing.rest_suite.contract import DEFAULT_PREFIX
from testing.rest_suite.probe import InstanceInfo
from testing.rest_suite.result import Outcome, Result
from testing.rest_suite.summary import Summary

from .canned_instance import (
    API,
    CLUSTER,
    DONE,
    HIT,
    INVENTORY,
    OTHER,
    REPORT,
    REPORTED,
    URL,
    VOTED,
    answer,
    session,
)

OTHER_URL = "http://other.test"
OTHER_API = OTHER_URL + "/api/v1/"
REPORT_PATH = f"organizations/101/clusters/{CLUSTER}/users/ann/report"


def comparing(profile: str = REFERENCE_2026) -> tuple[Api, Comparison]:
    """Return the API of an instance whose exchanges are repeated with another one."""
    other = Client(Connection(OTHER_URL))
    comparison = Comparison(other, DEFAULT_PREFIX, InstanceInfo("/api/v1/", profile))
    return Api(replace(session(), mirror=comparison)), comparison


def compared(ours: Any, theirs: Any, **changes: Any) -> Result:
    """Return how the comparison of two reports ends."""
    answer(REPORT_PATH, ours)
    answer(OTHER_API + REPORT_PATH, theirs, **changes)
    caller, comparison = comparing()
    caller.call("report", **HIT.params, user_id="ann")
    (result,) = comparison.results()
    return result


def with_hits(*hits: dict[str, Any]) -> dict[str, Any]:
    """Return a report with these hits."""
    document = copy.deepcopy(REPORT)
    document["report"]["reports"] = list(hits)
    return document


@responses.activate
def test_the_same_answers_pass() -> None:
    assert compared(REPORT, REPORT).outcome is Outcome.PASSED


@responses.activate
def test_an_order_that_the_contract_leaves_open_is_no_difference() -> None:
    other = {**REPORTED, "key": "OTHER"}
    result = compared(with_hits(REPORTED, other), with_hits(other, REPORTED))
    assert result.outcome is Outcome.PASSED


@responses.activate
@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"user_vote": 1}, "report.reports[0].user_vote: A 0, B 1"),
        ({"disabled": 0}, "report.reports[0].disabled: A false, B 0"),
        ({"more": 1}, "report.reports[0].more: only in B"),
        ({"details": {"any": ["thing", 2]}}, "report.reports[0].details.any: A 1 items, B 2 items"),
        ({"impacted": "2026-01-10T08:00:01Z"}, 'impacted: A "2026-01-10T08:00:00Z", B '),
    ],
)
def test_another_value_is_shown_with_its_place(change: dict[str, Any], detail: str) -> None:
    result = compared(REPORT, with_hits({**REPORTED, **change}))
    assert result.outcome is Outcome.FAILED
    assert detail in result.reason
    assert f"A is {URL}, B is {OTHER_URL}" in result.reason
    assert [exchange.url for exchange in result.exchanges] == [
        API + REPORT_PATH,
        OTHER_API + REPORT_PATH,
    ]


@responses.activate
def test_another_status_or_content_type_is_shown() -> None:
    result = compared(REPORT, {"status": "gone"}, status=404, kind="text/plain")
    assert "status: A 200, B 404" in result.reason
    assert "Content-Type: A application/json; charset=utf-8, B text/plain" in result.reason


@responses.activate
@pytest.mark.parametrize(
    ("place", "outcome"),
    [("/api/v1/info", Outcome.PASSED), (OTHER_API + "info", Outcome.PASSED),
     ("/elsewhere", Outcome.FAILED), (None, Outcome.FAILED)],
)  # fmt: skip
def test_a_redirect_leads_to_the_same_place(place: str | None, outcome: Outcome) -> None:
    answer("info/", "", status=301, headers={"Location": DEFAULT_PREFIX + "info"})
    headers = {"Location": place} if place else {}
    answer(OTHER_API + "info/", "", status=301, headers=headers)
    caller, comparison = comparing()
    caller.raw("GET", "info/")
    assert [result.outcome for result in comparison.results()] == [outcome]


@responses.activate
def test_times_of_the_run_may_differ() -> None:
    now = datetime.now(UTC)
    ours = {**REPORTED, "disabled_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    theirs = {**REPORTED, "disabled_at": f"{now:%Y-%m-%dT%H:%M}:00Z"}
    assert compared(with_hits(ours), with_hits(theirs)).outcome is Outcome.PASSED


@responses.activate
def test_writes_and_clean_up_go_to_both() -> None:
    for api in (API, OTHER_API):
        answer(api + VOTED + "like", DONE, method="PUT")
        answer(api + VOTED + "reset_vote", DONE, method="PUT")
    caller, comparison = comparing()
    caller.ok("like", **HIT.params, user_id="ann", body={"message": "x"})
    caller.clean_up()
    urls = [call.request.url for call in responses.calls if isinstance(call, responses.Call)]
    assert urls == [
        api + VOTED + vote for vote in ("like", "reset_vote") for api in (API, OTHER_API)
    ]
    assert {result.name: result.outcome for result in comparison.results()} == {
        "like": Outcome.PASSED
    }


@responses.activate
def test_what_the_other_instance_does_not_have_is_skipped() -> None:
    caller, comparison = comparing(REFERENCE_2020)
    with pytest.raises(Skipped, match="info does not exist in profile reference-2020"):
        caller.ok("info")
    assert comparison.results() == []


@responses.activate
@pytest.mark.parametrize(
    ("body", "outcome"),
    [(b"hello", Outcome.PASSED), (b"[1]", Outcome.FAILED), (b"", Outcome.FAILED)],
)
def test_what_is_wrong_with_json_may_be_said_in_other_words(body: bytes, outcome: Outcome) -> None:
    for api, text in ((API, "Expecting value"), (OTHER_API, "invalid character 'h'")):
        answer(api + "organization/101/workloads", {"status": text}, status=400, method="POST")
    caller, comparison = comparing()
    caller.call("workloads_by_body", org_id=101, body=body)
    assert [result.outcome for result in comparison.results()] == [outcome]


@responses.activate
def test_routes_of_one_profile_only_are_not_compared() -> None:
    caller, _ = comparing(REFERENCE_2020)
    with pytest.raises(Skipped, match="report_info does not exist in profile reference-2020"):
        there(caller, "report_info")
    assert there(caller, "report").name == "report"


def holding(api: str, organizations: list[int], report: dict[str, Any]) -> None:
    """Let an instance hold organizations and the report of the cluster with the hit."""
    answer(api + "organizations", {"organizations": organizations, "status": "ok"})
    path = f"organizations/101/clusters/{CLUSTER}/users/rest-suite/report"
    answer(api + path, report)
    other = f"organizations/101/clusters/{OTHER}/users/rest-suite/report"
    answer(api + other, {"report": {"meta": {}, "reports": []}, "status": "ok"})


@responses.activate
def test_same_data_passes() -> None:
    for api in (API, OTHER_API):
        holding(api, [101], REPORT)
    _, comparison = comparing()
    other = replace(session(), client=comparison.client, instance=comparison.other)
    found = same_data(Api(session()), Api(other), INVENTORY)
    assert found.outcome is Outcome.PASSED


@responses.activate
def test_different_data_are_said_first() -> None:
    holding(API, [101, 102], REPORT)
    holding(OTHER_API, [101], with_hits({**REPORTED, "key": "OTHER"}))
    _, comparison = comparing()
    other = replace(session(), client=comparison.client, instance=comparison.other)
    found = same_data(Api(session()), Api(other), INVENTORY)
    assert "1 organizations (102) only in A" in found.reason
    assert f"1 clusters ({CLUSTER}) with other rule hits in B" in found.reason
    earlier = Result("compare", "acks", "", Outcome.FAILED)
    moment = datetime.now(UTC)
    summary = Summary(URL, InstanceInfo(), "", moment, 0.0, [earlier, found], [])
    assert [result.name for result in summary.failures] == ["data", "acks"]
