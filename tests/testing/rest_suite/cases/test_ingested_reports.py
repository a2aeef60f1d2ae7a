"""Each case about what was sent passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import ingested_reports
from tests.mutation import edits
from tests.mutation.operators import Make

from .mock_instance import MockInstance
from .mutants import (
    always,
    edited,
    first_lost,
    other,
    stranger,
)
from .sent_messages import sent_instance
from .trials import BoundCase, Mutant, collected, trials

HITS = "report.reports"
VERSION = "clusters.*.meta.cluster_version"

MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "every_known_cluster_has_just_its_hits": (
        ("report", first_lost(HITS)),
        ("report", stranger(HITS)),
        ("report", other("report.meta.count")),
        ("report", other(f"{HITS}.*.key")),
    ),
    "the_details_are_those_sent": (
        ("report", always(f"{HITS}.*.details", {})),
        ("report", other(f"{HITS}.*.details.type")),
        ("report", edited(f"{HITS}.*.details.large", float)),
        ("report", edited(f"{HITS}.*.details.fractions.1", lambda old: round(old, 6))),
        ("report", always(f"{HITS}.*.details.nothing.null", "")),
        ("report", edited(f"{HITS}.*.details.letters", edits.of_16_bits)),
    ),
    "the_times_are_those_sent": (
        ("report", edited("report.meta.last_checked_at", edits.moved(seconds=1))),
        ("report", edited("report.meta.gathered_at", edits.moved(seconds=-1))),
        ("report", edited("report.meta", lambda old: {**old, "gathered_at": None})),
    ),
    "a_cluster_is_impacted_since_its_first_report_was_stored": (
        ("report", edited(f"{HITS}.*.impacted", edits.moved(hours=-1))),
        ("report_info", edited("metainfo.stored_at", edits.moved(hours=1))),
    ),
    "the_version_is_that_sent": (
        ("cluster_recommendations", other(VERSION)),
        ("cluster_recommendations", always(VERSION, "")),
    ),
    "a_cluster_just_sent_is_listed": (("clusters", first_lost("clusters")),),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that got what the suite would have sent, and answers rightly."""
    with sent_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(ingested_reports), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(ingested_reports, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
