"""Each case about ratings passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import ratings
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    forgiven,
    only,
    other,
    renumbered,
    reworded,
)
from .trials import BoundCase, Mutant, collected, trials

RATING = "rating.rating"
REFUSALS = (("rate", reworded(400)), ("rate", forgiven(400)), ("rate", renumbered(400, 500)))
READ = (("rating", reworded(400)), ("rating", forgiven(400)), ("rating", renumbered(400, 404)))
NOT_FOUND = (("rating", reworded(404)), ("rating", forgiven(404)))
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "a_rating_is_told": (
        ("rate", other("ratings.rating")),
        ("rate", other("ratings.rule")),
        ("rating", other(RATING)),
        ("rating", other("rating.rule")),
    ),
    "the_last_rating_wins": (
        ("rating", always(RATING, 1)),
        ("rate", only(lambda request: b"-1" in request.body, BROKEN)),
    ),
    "a_missing_rating_is_none": (("rate", always("ratings.rating", 1)), ("rate", changed(BROKEN))),
    "a_rating_is_of_one_organization": (*NOT_FOUND, ("rating", always(RATING, -1))),
    "what_is_not_rated_is_not_found": NOT_FOUND,
    "other_ratings_are_refused": (*REFUSALS[1:], ("rating", forgiven(404))),
    "a_rating_needs_a_body": REFUSALS,
    "improper_rules_are_refused": REFUSALS,
    "improper_selectors_are_refused": READ,
    "improper_organizations_are_refused": READ,
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(ratings), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(ratings, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
