"""Each check of independence passes a correct instance and fails those that write too much."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import isolation
from testing.rest_suite.sources.seed_file import seeded
from tests.mutation import edits
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import Make, while_disabled

from .mock_instance import SEED, MockInstance, mock_instance
from .mutants import always
from .trials import BoundCase, Mutant, collected, trials


def also(operation: str, **params: str) -> Make:
    """Do this, too, for other parameters if need be."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        forward(request.as_operation(operation).with_params(**params))
        return answer

    return lambda: middleware


def of_all_users(request: Request, forward: Forward) -> Answer:
    """Keep one vote for all users."""
    if "user_id" in request.params and request.operation != "disable_feedback":
        return forward(request.with_params(user_id="everybody"))
    return forward(request)


def on_all_clusters(request: Request, forward: Forward) -> Answer:
    """Vote on the same hit of all clusters."""
    for cluster in seeded(str(SEED)).clusters:
        forward(request.with_params(cluster=cluster.name))
    return forward(request)


MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "a_vote_leaves_those_of_others": (
        ("rule", always("report.user_vote", 0)),
        ("*", lambda: of_all_users),
    ),
    "votes_toggles_and_reasons_leave_each_other": (
        ("like", also("enable")),
        ("dislike", also("disable")),
        ("reset_vote", also("enable")),
        ("rule", always("report.disable_feedback", "")),
    ),
    "what_is_disabled_is_still_listed": (
        ("*", while_disabled("report", edits.at("report.reports.0", edits.drop))),
        ("*", while_disabled("report", edits.at("report.meta.count", edits.value(1)))),
        ("*", while_disabled("report_info", edits.at("metainfo.count", edits.value(1)))),
        ("*", while_disabled("reports_by_body", edits.at("reports.*.reports.0", edits.drop))),
        ("*", while_disabled("recommendations", edits.at("recommendations.*", edits.drop))),
        ("*", while_disabled("cluster_recommendations", edits.at("clusters.*", edits.drop))),
        ("*", while_disabled("clusters_detail", edits.at("clusters", edits.value([])))),
    ),
    "a_vote_is_on_one_hit": (
        ("rule", always("report.user_vote", 1)),
        ("like", lambda: on_all_clusters),
    ),
    "an_ack_leaves_that_of_another_key": (
        ("ack_enable", also("ack_enable", error_key="ANOTHER_KEY")),
        ("ack_update", also("ack_update", error_key="ANOTHER_KEY")),
        ("ack_disable", also("ack_disable", error_key="ANOTHER_KEY")),
    ),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(isolation), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(isolation, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
