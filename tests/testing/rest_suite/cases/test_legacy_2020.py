"""Each case about the routes of 2020 passes on correct answers and kills its mutants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from aggregator.config.options import ServerConfig
from testing.rest_suite.case import REFERENCE_2020, REFERENCE_2026
from testing.rest_suite.cases import legacy_2020
from tests.mutation.edits import refusal
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import (
    Make,
    changed,
    redirected,
    swallowed,
)

from .mock_instance import MockInstance, fixed
from .mutants import (
    BROKEN,
    WITH_BODY,
    always,
    forgiven,
    only,
    other,
    renumbered,
    reworded,
    said,
)
from .sent_messages import small_instance
from .trials import BoundCase, Mutant, base, collected, trials

GET, LIKE, DISLIKE, DISABLE = "get_vote_2020", "like_2020", "dislike_2020", "disable_2020"
IDLE = swallowed(lambda request: {"status": "ok"})
GONE = "these_routes_are_gone"


def with_key(operation: str, key: str) -> Make:
    """Write on one key only."""

    def change(request: Request) -> Request:
        named = replace(request, params={**request.params, "error_key": key, "org_id": "101"})
        return named.as_operation(operation)

    return redirected(change)


def with_param(name: str, value: str) -> Make:
    """Write about something else."""
    return redirected(lambda request: request.with_params(**{name: value}))


def forgetful(request: Request, forward: Forward) -> Answer:
    """Tell the first vote for ever."""
    answer = forward(request)
    if answer.status == 200 and json.loads(answer.body)["vote"] == 1:
        return answer.with_json({"status": "ok", "vote": -1})
    return answer


REFUSALS: tuple[Mutant, ...] = (("", reworded(400)), ("", renumbered(400, 404)))
UNKNOWN: tuple[Mutant, ...] = (("", reworded(404)), ("", forgiven(404)))
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "who_has_not_voted_has_no_vote": ((GET, reworded(404)), (GET, forgiven(404, vote=0))),
    "the_last_vote_is_told": (
        (GET, always("vote", 0)),
        (GET, lambda: forgetful),
        (LIKE, IDLE),
        (DISLIKE, IDLE),
        ("reset_vote_2020", IDLE),
        ("reset_vote_2020", renumbered(200, 201)),
    ),
    "a_vote_is_of_one_user_rule_and_cluster": (
        (GET, forgiven(404, vote=0)),
        (GET, reworded(404)),
        (GET, only(lambda request: "made_up" in request.params["rule_id"], BROKEN)),
        (GET, only(lambda request: request.params["cluster"][0] != "0", BROKEN)),
    ),
    "writing_about_an_unknown_cluster_is_refused": UNKNOWN,
    "an_unknown_cluster_has_no_votes": ((GET, reworded(404)), (GET, forgiven(404, vote=0))),
    "improper_parameters_of_writes_are_refused": REFUSALS,
    "improper_parameters_are_refused": ((GET, reworded(400)), (GET, renumbered(400, 404))),
    "a_user_is_needed": REFUSALS,
    "no_votes_are_told_of_nobody": ((GET, reworded(400)),),
    "a_message_may_be_as_long_as_the_limit": (
        ("", reworded(400)),
        ("", forgiven(400)),
        ("", only(said("{}"), BROKEN)),
        ("", only(lambda request: request.body == b"  ", BROKEN)),
        ("", only(lambda request: b": 1" in request.body, refusal(400, "no"))),
    ),
    "a_vote_is_on_every_key_that_hits": (
        (LIKE, with_key("like", "ANOTHER")),
        (DISLIKE, IDLE),
        ("report", always("report.reports.*.user_vote", 0)),
        ("rule", always("report.user_vote", 0)),
        ("get_vote", always("vote", 1)),
    ),
    "the_newest_vote_on_any_key_is_told": (
        (GET, always("vote", -1)),
        (GET, redirected(lambda request: replace(
            request, params={**request.params, "error_key": "KEY_1"}).as_operation("get_vote"))),
        (DISLIKE, with_key("dislike", "ANOTHER")),
    ),
    "a_rule_that_does_not_hit_can_be_voted_on": (
        (LIKE, changed(refusal(404, "none"))),
        (DISLIKE, IDLE),
        (GET, always("vote", 1)),
    ),
    "a_toggle_is_on_every_key_that_hits": (
        (DISABLE, IDLE),
        ("enable_2020", IDLE),
        (DISABLE, with_key("disable", "ANOTHER")),
        (DISABLE, changed(BROKEN)),
        ("report", always("report.reports.*.disabled", True)),
        ("disabled_for_clusters", always("rules", [])),
        ("disabled_for_clusters", other("rules.*.ErrorKey")),
    ),
    "a_rule_that_does_not_hit_is_disabled_without_a_key": (
        (DISABLE, IDLE),
        ("enable_2020", IDLE),
        (DISABLE, with_key("disable", "ANOTHER")),
        ("disabled_for_clusters", other("rules.*.ErrorKey")),
        ("disabled_for_clusters", always("rules", [])),
    ),
    "a_toggle_concerns_all_users_and_one_rule": (
        (DISABLE, IDLE),
        (DISABLE, with_param("rule_id", "a.two.report")),
        (DISABLE, lambda: lambda request, forward: forward(request) and forward(
            request.with_params(rule_id="a.two.report"))),
    ),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
}  # fmt: skip
EVERY = [case for case in collected(legacy_2020) if base(case) != GONE]


@pytest.fixture(scope="module", params=["", "xrh"], ids=["open", "xrh"])
def either(request: pytest.FixtureRequest) -> Iterator[MockInstance]:
    """Give an instance without authentication, and one with."""
    with small_instance(ServerConfig(debug=True, auth=bool(request.param))) as found:
        yield found


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give a correct instance."""
    with small_instance() as found:
        yield found


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_correct_instance_passes(case: BoundCase, either: MockInstance) -> None:
    assert either.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(legacy_2020, {**MUTANTS, GONE: ()}))
def test_mutant_is_killed(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_the_service_of_2020_refuses_with_the_same_words(
    case: BoundCase, instance: MockInstance
) -> None:
    refused = []

    def reworded(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        if answer.status in (400, 404) and answer.json:
            refused.append(answer)
            return answer.with_json({"status": "other words"})
        return answer

    found = instance.outcome(case, "*", fixed(reworded), profile=REFERENCE_2020)[0]
    expected = ("failed",) if refused else ("passed", "skipped")
    assert found in expected
    assert instance.outcome(case, profile=REFERENCE_2020)[0] in ("passed", "skipped")


@pytest.mark.parametrize("case", [case for case in collected(legacy_2020) if base(case) == GONE],
                         ids=lambda case: case.id)  # fmt: skip
def test_today_the_routes_do_not_exist(case: BoundCase, instance: MockInstance) -> None:
    def hidden(request: Request, forward: Forward) -> Answer:
        return forward(replace(request, target="/no-such-path", operation=""))

    found = instance.outcome(case, "*", fixed(hidden), profile=REFERENCE_2026)
    assert found == ("passed", "")
    assert instance.outcome(case, profile=REFERENCE_2026)[0] == "failed"
