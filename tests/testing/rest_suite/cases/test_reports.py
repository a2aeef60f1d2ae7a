"""Each case about reports passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import reports
from tests.mutation import edits
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    edited,
    first_lost,
    forgiven,
    last_lost,
    other,
    renumbered,
    reworded,
    stranger,
    turned,
)
from .trials import BoundCase, Mutant, collected, trials

HITS = "report.reports"
SEVERAL = "reports_by_body"
REFUSALS = (("", reworded(400)), ("", forgiven(400)), ("", renumbered(400, 404)))
OF_RULE = tuple(("rule", make) for _, make in REFUSALS)


def in_lower_case(request: Request, forward: Forward) -> Answer:
    """Find a cluster by its name in any case."""
    return forward(request.with_params(cluster=request.params["cluster"].lower()))


MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "a_report_counts_its_hits": (
        ("report", other("report.meta.count")),
        ("report", first_lost(HITS)),
    ),
    "hits_come_by_rule_and_key": (("report", turned(HITS)),),
    "no_hit_comes_twice": (("report", edited(HITS, edits.doubled)),),
    "the_summary_agrees_with_the_report": (
        ("report_info", other("metainfo.count")),
        ("report_info", other("metainfo.last_checked_at")),
        ("report_info", changed(BROKEN)),
    ),
    "each_hit_is_told_alone_as_in_the_report": (
        ("rule", other("report.component")),
        ("rule", other("report.key")),
        ("rule", always("report.details", {})),
        ("rule", always("report.user_vote", 1)),
        ("report", stranger(HITS)),
    ),
    "a_hit_is_disabled_where_its_organization_lists_it": (
        ("report", always(f"{HITS}.*.disabled", True)),
        ("report", always(f"{HITS}.0.disabled", True)),
    ),
    "a_cluster_is_found_by_its_name_as_stored_only": (
        ("", reworded(404)),
        ("", lambda: in_lower_case),
    ),
    "a_report_is_there_where_its_summary_is": (
        ("report", renumbered(200, 404)),
        ("report_info", renumbered(200, 500)),
    ),
    "an_unknown_cluster_is_not_found": (
        ("", reworded(404)),
        ("", forgiven(404)),
        ("", renumbered(404, 400)),
    ),
    "a_cluster_of_another_organization_is_not_found": (("", forgiven(404)), ("", reworded(404))),
    "improper_clusters_are_refused": REFUSALS,
    "improper_organizations_are_refused": REFUSALS,
    "a_rule_that_does_not_hit_is_not_found": (("rule", reworded(404)), ("rule", forgiven(404))),
    "improper_rules_are_refused": OF_RULE,
    "several_reports_come_in_the_order_asked_for": (
        (SEVERAL, turned("clusters")),
        (SEVERAL, last_lost("clusters")),
        (SEVERAL, always("errors", None)),
        (SEVERAL, first_lost("reports")),
        ("reports", turned("clusters")),
        ("reports", stranger("errors")),
        ("reports", last_lost("reports")),
    ),
    "none_found_or_missing_is_null": (
        ("", edited("errors", lambda names: names or [])),
        ("", edited("clusters", lambda names: names or [])),
        ("", always("errors", None)),
    ),
    "several_reports_tell_what_each_report_tells": (
        ("", always("reports.*.reports.*.details", {})),
        ("", first_lost("reports.*.reports")),
        ("", edited("reports", edits.exchanged())),
        ("report", other(f"{HITS}.*.details.type")),
    ),
    "data_were_gathered_before_they_were_checked": (
        ("report", edited("report.meta.gathered_at", edits.moved(hours=1))),
    ),
    "several_reports_are_indented": (
        (SEVERAL, changed(edits.body(lambda body: body.replace(b"\t", b"  ")))),
        (SEVERAL, changed(edits.body(lambda body: body + b"\n"))),
    ),
    "no_clusters_have_no_reports": (
        (SEVERAL, always("clusters", [])),
        (SEVERAL, always("errors", [])),
        (SEVERAL, changed(BROKEN)),
    ),
    "clusters_of_another_organization_are_refused": (
        (SEVERAL, reworded(400)),
        ("reports", forgiven(400)),
    ),
    "improper_names_of_several_are_refused": tuple((SEVERAL, make) for _, make in REFUSALS),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(reports), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(reports, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
