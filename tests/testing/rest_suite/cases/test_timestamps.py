"""Each check of times passes right ones and fails those of another moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import timestamps
from tests.mutation import edits
from tests.mutation.operators import Make, changed, remembered

from .mock_instance import MockInstance
from .mutants import edited
from .sent_messages import sent_instance
from .trials import BoundCase, Mutant, collected, trials

DETAIL = "clusters_detail"
LATER, EARLIER = edits.moved(hours=2), edits.moved(hours=-2)
STORED = "metainfo.stored_at"
ACK = "disabledRule"


MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "times_are_those_of_the_report[last_checked_at]": (
        (DETAIL, edited("clusters.*.last_checked_at", edits.moved(seconds=3))),
        (DETAIL, edited("clusters.*.last_checked_at", edits.moved(microseconds=1))),
    ),
    "times_are_those_of_the_report[impacted]": (
        (DETAIL, edited("clusters.*.impacted", edits.moved(hours=1))),
    ),
    "a_cluster_just_sent_is_impacted_since_it_was_checked": (
        (DETAIL, edited("clusters.*.impacted", edits.moved(seconds=-1))),
    ),
    "no_time_is_still_to_come": (
        ("report_info", edited(STORED, LATER)),
        ("report", edited("report.reports.*.impacted", LATER)),
    ),
    "a_cluster_just_sent_was_stored_just_now": (
        ("report_info", edited(STORED, LATER)),
        ("report_info", edited(STORED, EARLIER)),
    ),
    "a_rule_is_disabled_when_it_was_asked_for": (
        ("disabled", edited("rules.*.DisabledAt.Time", LATER)),
        ("disabled", edited("rules.*.DisabledAt.Time", EARLIER)),
        ("disabled", remembered),
    ),
    "a_reason_is_given_when_it_was_sent": (
        ("reasons", edited("reasons.*.AddedAt.Time", EARLIER)),
        ("reasons", edited("reasons.*.UpdatedAt.Time", LATER)),
        ("reasons", edited("reasons.*", edits.copied("UpdatedAt", "AddedAt"))),
    ),
    "a_rule_is_acked_when_it_was_asked_for": (
        ("ack", edited(f"{ACK}.created_at.Time", EARLIER)),
        ("ack", edited(f"{ACK}.updated_at.Time", LATER)),
        ("ack", remembered),
    ),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that got what the suite would have sent, and answers rightly."""
    with sent_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(timestamps), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize("case", collected(timestamps), ids=lambda case: case.name)
def test_an_instance_may_keep_its_clock_to_itself(case: BoundCase, instance: MockInstance) -> None:
    silent = changed(edits.header("Date", None))
    assert instance.outcome(case, "*", silent) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(timestamps, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
