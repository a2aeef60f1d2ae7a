"""Each case about acknowledgements passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import acks
from tests.mutation import edits
from tests.mutation.operators import Make, changed, remembered

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    ascii_only,
    cut_to,
    edited,
    forgiven,
    only,
    other,
    renumbered,
    reworded,
    stranger,
    turned,
)
from .trials import BoundCase, Mutant, collected, trials

LIST = "disabledRules"
LATER = edits.moved(hours=1)
REFUSALS = (("", reworded(400)), ("", forgiven(400)), ("", renumbered(400, 500)))
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "an_ack_can_be_read_and_is_listed": (
        ("ack_disable", other("justification")),
        ("ack", other("disabledRule.justification")),
        ("ack", other("disabledRule.org_id")),
        ("ack", always("disabledRule.user_id", "ann")),
        ("ack", always("disabledRule.created_at.Valid", False)),
        ("ack", edited("disabledRule.created_at.Time", LATER)),
        ("acks", always(LIST, [])),
        ("acks", edited(LIST, edits.doubled)),
        ("acks", other(f"{LIST}.*.justification")),
    ),
    "every_ack_is_listed": (("acks", cut_to(LIST, 3)), ("acks", other(f"{LIST}.*.justification"))),
    "any_letters_are_kept": (
        ("ack", edited("disabledRule.justification", str.strip)),
        ("ack", edited("disabledRule.justification", edits.of_16_bits)),
        ("acks", edited(f"{LIST}.*.justification", lambda text: " ".join(text.split("\n")))),
    ),
    "an_ack_is_taken_back": (
        ("acks", always(LIST, [])),
        ("ack", forgiven(404)),
        ("ack", reworded(404)),
        ("ack_enable", always("status", "ok")),
        ("acks", remembered),
    ),
    "acking_twice_is_acking_once": (
        ("acks", edited(LIST, lambda rows: [*rows, *rows])),
        ("acks", other(f"{LIST}.*.justification")),
        ("ack_enable", changed(BROKEN)),
        ("acks", remembered),
    ),
    "what_is_not_acked_may_be_enabled": (
        ("ack_enable", changed(BROKEN)),
        ("ack", forgiven(404)),
    ),
    "a_justification_is_changed": (
        ("ack_update", other("justification")),
        ("ack", always("disabledRule.justification", "first")),
        ("ack", always("disabledRule.updated_at.Valid", False)),
        ("acks", always(LIST, [])),
    ),
    "an_update_acks_nothing": (
        ("ack_update", changed(BROKEN)),
        ("ack", forgiven(404)),
    ),
    "acking_again_replaces_the_justification": (
        ("ack", always("disabledRule.justification", "one")),
        ("acks", edited(LIST, edits.doubled)),
    ),
    "the_list_says_what_each_ack_says": (
        ("acks", edited("disabledRules.*.org_id", lambda number: number + 1)),
        ("acks", stranger(LIST)),
        ("acks", other(f"{LIST}.*.org_id")),
        ("ack", other("disabledRule.justification")),
    ),
    "acks_come_in_order": (("acks", turned(LIST)),),
    "an_ack_is_of_one_error_key": (("ack", forgiven(404)), ("ack", renumbered(404, 400))),
    "an_ack_is_of_one_organization": (("ack", forgiven(404)),),
    "a_justification_is_needed": REFUSALS,
    "a_justification_may_be_as_long_as_the_limit": (
        *REFUSALS,
        ("", only(lambda request: len(request.body) > 250, BROKEN)),
        ("", ascii_only("justification")),
    ),
    "improper_rules_are_refused": REFUSALS,
    "improper_organizations_are_refused": REFUSALS,
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(acks), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(acks, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
