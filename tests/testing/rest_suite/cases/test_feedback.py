"""Each case about reasons for disabling passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import feedback
from tests.mutation import edits
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    ascii_only,
    cut_to,
    edited,
    forgiven,
    last_lost,
    only,
    other,
    renumbered,
    reworded,
    turned,
)
from .trials import BoundCase, Mutant, collected, trials

NAME = "disable_feedback"
THEN = {"Time": "2026-03-01T10:00:00Z", "Valid": True}
ANOTHERS = {
    "ClusterID": "0a332b89-da0e-59d5-ad16-1eba16cd4adc", "RuleID": "a.one.report",
    "ErrorKey": "KEY", "Message": "not yours", "AddedAt": THEN, "UpdatedAt": THEN,
}  # fmt: skip
LATER = edits.moved(hours=1)
REFUSALS = ((NAME, reworded(400)), (NAME, forgiven(400, message="")), (NAME, renumbered(400, 500)))
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "any_letters_are_kept": (
        ("report", edited("report.reports.*.disable_feedback", str.strip)),
        ("rule", edited("report.disable_feedback", edits.of_16_bits)),
        ("reasons", edited("reasons.*.Message", lambda text: text.replace("'", ""))),
    ),
    "every_reason_is_listed": (
        ("reasons", cut_to("reasons", 2)),
        ("reasons", other("reasons.*.Message")),
    ),
    "a_reason_is_told": (
        (NAME, other("message")),
        ("report", always("report.reports.*.disable_feedback", "")),
        ("rule", other("report.disable_feedback")),
        ("reasons", always("reasons", [])),
        ("reasons", other("reasons.*.Message")),
        ("reasons", other("reasons.*.ClusterID")),
        ("reasons", always("reasons.*.AddedAt.Valid", False)),
    ),
    "markup_is_sent_escaped": (
        ("reasons", changed(edits.body(lambda body: body.replace(rb"\u003c", b"<")))),
        ("reasons", changed(edits.body(lambda body: body.replace(b"/b", b"/i")))),
    ),
    "a_reason_given_twice_is_one": (
        ("reasons", edited("reasons.*.UpdatedAt.Time", LATER)),
        ("reasons", edited("reasons.*.AddedAt.Time", LATER)),
        ("reasons", edited("reasons", lambda rows: [*rows, *rows])),
    ),
    "reasons_come_in_order": (
        ("reasons", turned("reasons")),
        ("reasons", last_lost("reasons")),
    ),
    "the_time_of_a_reason_is_shown_in_the_report": (
        ("report", edited("report.reports.*.disabled_at", LATER)),
        ("reasons", edited("reasons.*.UpdatedAt.Time", LATER)),
    ),
    "a_reason_disables_nothing": (("rule", always("report.disabled", True)),),
    "a_reason_is_of_one_user": (
        ("report", always("report.reports.*.disable_feedback", "mine")),
        ("rule", always("report.disable_feedback", "mine")),
    ),
    "a_reason_justifies_the_disabled_cluster": (
        ("disabled_clusters", other("clusters.*.justification")),
        ("disabled_clusters", always("clusters", None)),
    ),
    "who_gave_no_reason_has_none": (
        ("reasons", always("reasons", None)),
        ("reasons", always("reasons", [ANOTHERS])),
    ),
    "a_reason_needs_a_body": REFUSALS,
    "a_reason_may_be_as_long_as_the_limit": (
        *REFUSALS,
        (NAME, only(lambda request: len(request.body) > 250, BROKEN)),
        (NAME, ascii_only("message")),
    ),
    "a_reason_for_an_unknown_cluster_is_refused": (
        (NAME, reworded(404)),
        (NAME, forgiven(404, message="nobody there")),
    ),
    "reasons_are_those_of_somebody": (
        ("reasons", reworded(400)),
        ("reasons", forgiven(400)),
    ),
    "a_reason_with_improper_parameters_is_refused": REFUSALS,
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(feedback), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(feedback, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
