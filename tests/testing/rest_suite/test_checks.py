"""Assertions of cases, and the selection of cases."""

from __future__ import annotations

from types import ModuleType

import pytest

from testing.rest_suite.api import Api
from testing.rest_suite.case import (
    DELETE,
    DEPARTURES,
    READ,
    WRITE,
    deletes,
    each,
    profiles,
    writes,
)
from testing.rest_suite.checks import (
    CheckFailed,
    ascending,
    check,
    equal,
)
from testing.rest_suite.data import Data

from .cases.trials import BoundCase, all_cases, cases_of


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0, False), (None, ""), ([1], [1, 1]), ({"a": 1}, {"a": True}), ([], {})],
)
def test_values_of_other_kinds_are_not_equal(one: object, other: object) -> None:
    with pytest.raises(CheckFailed, match="count: expected"):
        equal(one, other, "count")


def test_equal_values_pass() -> None:
    equal({"a": [1, None, "x"]}, {"a": [1, None, "x"]}, "anything")
    check("something", "never said")


@pytest.mark.parametrize("names", [["b", "a"], ["a", "a"], ["a", "c", "b"]])
def test_an_order_that_is_not_ascending_fails(names: list[str]) -> None:
    with pytest.raises(CheckFailed, match="not ascending"):
        ascending(names, "names")


def test_an_ascending_order_passes() -> None:
    for names in ([], ["a"], ["a", "b", "c"]):
        ascending(names, "names")


def group(name: str) -> list[BoundCase]:
    """Return the cases of a module made up."""
    module = ModuleType(name)

    @writes
    @each("like", "dislike")
    def test_a_vote_counts(api: Api, data: Data, value: str) -> None:
        """A vote is counted."""

    @profiles(DEPARTURES)
    def test_a_reader(api: Api, data: Data) -> None:
        pass

    @deletes
    def test_gone(api: Api, data: Data) -> None:
        pass

    for function in (test_a_vote_counts, test_a_reader, test_gone):
        setattr(module, function.__name__, function)
    module.helper = lambda: None  # type: ignore[attr-defined]
    return list(cases_of(module))


def test_cases_are_collected_by_name_with_their_marks() -> None:
    found = {case.id: case for case in group("votes")}
    assert list(found) == [
        "votes.a_vote_counts[like]",
        "votes.a_vote_counts[dislike]",
        "votes.a_reader",
        "votes.gone",
    ]
    assert [case.kind for case in found.values()] == [WRITE, WRITE, READ, DELETE]
    assert found["votes.a_reader"].profiles == (DEPARTURES,)
    assert found["votes.a_vote_counts[like]"].arguments == ("like",)
    assert found["votes.a_vote_counts[like]"].sentence == "A vote is counted."
    assert found["votes.gone"].sentence == "gone"


@pytest.mark.parametrize(
    ("only", "skip", "names"),
    [
        ([], [], ["a_vote_counts[like]", "a_vote_counts[dislike]", "a_reader", "gone"]),
        (["votes"], ["votes.gone"], ["a_vote_counts[like]", "a_vote_counts[dislike]", "a_reader"]),
        (["votes.a_vote*"], [], ["a_vote_counts[like]", "a_vote_counts[dislike]"]),
        (["votes.a_vote_counts[like]"], [], ["a_vote_counts[like]"]),
        (["gone", "*.a_reader"], [], ["a_reader", "gone"]),
        (["reports"], [], []),
        ([], ["*"], []),
    ],
)
def test_cases_are_chosen_by_group_name_and_pattern(
    only: list[str], skip: list[str], names: list[str]
) -> None:
    assert [case.name for case in group("votes") if case.selected(only, skip)] == names


def test_an_unknown_profile_is_a_fault_of_the_case() -> None:
    with pytest.raises(ValueError, match="2025"):
        profiles("2025")


def test_the_cases_of_the_suite_have_names_of_their_own() -> None:
    names = [case.id for case in all_cases()]
    assert len(names) > 30
    assert len(set(names)) == len(names)
