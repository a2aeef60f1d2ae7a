"""Calls: a right answer passes, each kind of wrong one fails, writes are taken back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses

from testing.rest_suite.case import DEPARTURES, READ, REFERENCE_2020
from testing.rest_suite.checks import CheckFailed, Skipped
from testing.rest_suite.contract import JSON
from testing.rest_suite.credentials import IdentityHeader

from .canned_instance import (
    API,
    CLUSTER,
    DONE,
    HIT,
    REPORT,
    VOTED,
    answer,
    api,
    sent,
)

REPORT_PATH = f"organizations/101/clusters/{CLUSTER}/users/ann/report"


def read() -> Any:
    """Return the report that the instance shows to Ann."""
    return api().ok("report", **HIT.params, user_id="ann")


@responses.activate
def test_a_right_answer_passes() -> None:
    answer(REPORT_PATH, REPORT)
    assert read() == REPORT


def mutated(mutate: Callable[[Any], object]) -> Any:
    """Return a report with something changed."""
    document = copy.deepcopy(REPORT)
    mutate(document)
    return document


@responses.activate
@pytest.mark.parametrize(
    "mutate",
    [
        lambda d: d.pop("status"),
        lambda d: d.update(status="OK"),
        lambda d: d.update(more=1),
        lambda d: d["report"]["meta"].update(count=0),
        lambda d: d["report"]["meta"].update(count="1"),
        lambda d: d["report"]["meta"].update(last_checked_at="2026-03-01T10:00:00.5Z"),
        lambda d: d["report"]["meta"].update(last_checked_at="2026-03-01 10:00:00"),
        lambda d: d["report"]["meta"].update(gathered_at=None),
        lambda d: d["report"].update(reports=None),
        lambda d: d["report"]["reports"][0].update(user_vote=2),
        lambda d: d["report"]["reports"][0].update(user_vote=True),
        lambda d: d["report"]["reports"][0].update(disabled=0),
        lambda d: d["report"]["reports"][0].pop("impacted"),
        lambda d: d["report"]["reports"][0].pop("details"),
    ],
)
def test_a_document_that_does_not_fit_fails(mutate: Callable[[Any], object]) -> None:
    answer(REPORT_PATH, mutated(mutate))
    with pytest.raises(CheckFailed):
        read()


@responses.activate
@pytest.mark.parametrize("status", [201, 206, 400, 404, 500, 503])
def test_another_status_fails(status: int) -> None:
    answer(REPORT_PATH, REPORT, status=status)
    with pytest.raises(CheckFailed, match=f"-> {status}, expected 200"):
        read()


@responses.activate
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/json; charset=x"])
def test_another_content_type_fails(kind: str) -> None:
    answer(REPORT_PATH, REPORT, kind=kind)
    with pytest.raises(CheckFailed, match="Content-Type"):
        read()


@responses.activate
@pytest.mark.parametrize("body", ["", "{", '{"status":"ok"}{"status":"ok"}', '{"a":1,"a":2}'])
def test_a_body_that_is_not_one_document_fails(body: str) -> None:
    answer(REPORT_PATH, body)
    with pytest.raises(CheckFailed, match="not one JSON document"):
        read()


@responses.activate
def test_no_answer_fails() -> None:
    responses.add("GET", API + REPORT_PATH, body=requests.ConnectTimeout())
    with pytest.raises(CheckFailed, match="timed out"):
        read()


@responses.activate
def test_a_refusal_has_the_status_and_the_text() -> None:
    answer(REPORT_PATH, {"status": "gone"}, status=404)
    api().refused(404, "report", "gone", **HIT.params, user_id="ann")


@responses.activate
@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (400, {"status": "gone"}, JSON),
        (404, {"status": "went"}, JSON),
        (404, {"status": "ok"}, JSON),
        (404, {"status": "gone", "more": 1}, JSON),
        (404, {"error": "gone"}, JSON),
        (404, {"status": "gone"}, "text/html"),
    ],
)
def test_another_refusal_fails(status: int, document: object, kind: str) -> None:
    answer(REPORT_PATH, document, status=status, kind=kind)
    with pytest.raises(CheckFailed):
        api().refused(404, "report", "gone", **HIT.params, user_id="ann")


@responses.activate
def test_nothing_is_written_without_permission() -> None:
    with pytest.raises(Skipped, match="like needs --allow-writes"):
        api(allowed=[READ]).ok("like", **HIT.params, user_id="ann")
    with pytest.raises(Skipped, match="delete_clusters needs --allow-deletes"):
        api(allowed=[READ]).call("delete_clusters", clusters=CLUSTER)
    with pytest.raises(Skipped):
        # the reference runs the handler for OPTIONS, too
        api(allowed=[READ]).call("like", **HIT.params, user_id="ann", method="OPTIONS")
    assert not sent()


@responses.activate
def test_what_an_instance_does_not_have_is_skipped() -> None:
    with pytest.raises(Skipped, match="does not exist in profile reference-2020"):
        api(profile=REFERENCE_2020).ok("info")
    with pytest.raises(Skipped, match="debug = true"):
        api(debug=False).ok("organizations")
    assert not sent()


@responses.activate
def test_a_vote_is_taken_back() -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")
    voter = api()
    voter.ok("like", **HIT.params, user_id="ann")
    assert voter.clean_up() == []
    assert sent() == [("PUT", VOTED + "like"), ("PUT", VOTED + "reset_vote")]


@responses.activate
def test_a_vote_without_an_answer_is_taken_back() -> None:
    responses.add("PUT", API + VOTED + "like", body=requests.ReadTimeout())
    answer(VOTED + "reset_vote", DONE, method="PUT")
    voter = api()
    with pytest.raises(CheckFailed):
        voter.ok("like", **HIT.params, user_id="ann")
    assert voter.clean_up() == []
    assert sent()[-1] == ("PUT", VOTED + "reset_vote")


@responses.activate
def test_what_was_refused_or_taken_back_already_is_left_alone() -> None:
    answer(VOTED + "like", {"status": "no"}, status=404, method="PUT")
    answer(VOTED + "dislike", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")
    voter = api()
    voter.refused(404, "like", **HIT.params, user_id="ann")
    voter.ok("dislike", **HIT.params, user_id="ann")
    voter.ok("reset_vote", **HIT.params, user_id="ann")
    before = sent()
    assert voter.clean_up() == []
    assert sent() == before


@responses.activate
def test_a_clean_up_that_fails_is_told_and_the_others_go_on() -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", {"status": "broken"}, status=500, method="PUT")
    done: list[str] = []
    voter = api()
    voter.later(lambda: done.append("later"))
    voter.ok("like", **HIT.params, user_id="ann")
    assert [problem for problem in voter.clean_up() if "500, not taken back" in problem]
    assert done == ["later"]


@responses.activate
def test_the_identity_is_of_the_organization_asked_about() -> None:
    asker = IdentityHeader(account="1", user="ann")
    for name in (API + "organizations/102/clusters", API + "organizations/abc/clusters"):
        answer(name, {"clusters": [], "status": "ok"})
    caller = api(credentials=asker)
    caller.ok("clusters", organization=102)
    caller.ok("clusters", organization="abc")
    caller.ok("clusters", organization=102, as_organization=7)
    caller.ok("clusters", organization=102, anonymous=True)
    headers = [exchange.request_headers.get("x-rh-identity") for exchange in caller.exchanges]
    assert headers == [asker.token(102), asker.token(1), asker.token(7), None]


@responses.activate
def test_parameters_are_encoded_and_raw_paths_are_not() -> None:
    path = "organizations/a%2Fb%7C%20%C3%A9/clusters"
    answer(path, {"clusters": [], "status": "ok"})
    caller = api(profile=DEPARTURES)
    caller.ok("clusters", organization="a/b| é")
    assert caller.exchanges[0].url == API + path


def test_a_missing_parameter_is_a_fault_of_the_case() -> None:
    with pytest.raises(TypeError, match="report: user_id missing"):
        api().ok("report", **HIT.params)
