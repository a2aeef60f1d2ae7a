"""Each case about votes passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import votes
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    ascii_only,
    forgiven,
    only,
    other,
    renumbered,
    reworded,
)
from .trials import BoundCase, Mutant, collected, trials

VOTE = "report.reports.*.user_vote"
REFUSALS = (("", reworded(400)), ("", forgiven(400)), ("", renumbered(400, 500)))
NOT_FOUND = (("", reworded(404)), ("", forgiven(404)))
OF_GET = tuple(("get_vote", make) for _, make in REFUSALS)
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "who_has_not_voted_has_no_vote": (
        ("report", always(VOTE, 1)),
        ("rule", always("report.user_vote", -1)),
    ),
    "a_vote_is_shown": (
        ("", changed(BROKEN)),
        ("report", other(VOTE)),
        ("rule", other("report.user_vote")),
    ),
    "the_last_vote_wins": (
        ("report", always(VOTE, 1)),
        ("dislike", changed(BROKEN)),
    ),
    "a_vote_is_of_one_user_only": (("report", always(VOTE, 1)),),
    "get_vote_tells_the_vote": (
        ("get_vote", other("vote")),
        ("get_vote", always("vote", 1)),
    ),
    "no_vote_is_not_found": (
        ("get_vote", reworded(404)),
        ("get_vote", forgiven(404, vote=0)),
    ),
    "no_vote_is_told_for_improper_parameters": OF_GET,
    "the_vote_of_an_unknown_cluster_is_not_found": (
        ("get_vote", reworded(404)),
        ("get_vote", forgiven(404, vote=0)),
    ),
    "a_vote_with_improper_parameters_is_refused": REFUSALS,
    "a_vote_on_an_unknown_cluster_is_refused": NOT_FOUND,
    "a_message_may_be_as_long_as_the_limit": (
        *REFUSALS,
        ("", only(lambda request: len(request.body) > 250, BROKEN)),
        ("", ascii_only("message")),
    ),
    "a_chunked_body_is_read": (
        ("dislike", changed(BROKEN)),
        ("report", always(VOTE, 0)),
    ),
    "a_vote_without_an_error_key_is_told": (
        ("get_vote_2020", other("vote")),
        ("like_2020", changed(BROKEN)),
    ),
    "a_vote_without_an_error_key_is_on_those_that_hit": (("rule", always("report.user_vote", 0)),),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(votes), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(votes, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
