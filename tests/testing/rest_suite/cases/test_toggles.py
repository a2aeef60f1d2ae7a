"""Each case about rules disabled for a cluster passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import toggles
from tests.mutation import edits
from tests.mutation.middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance, mock_instance, organizations
from .mutants import (
    BROKEN,
    always,
    cut_to,
    edited,
    forgiven,
    last_lost,
    other,
    renumbered,
    reworded,
    stranger,
    turned,
)
from .trials import BoundCase, Mutant, collected, trials


def after_the_first(change: edits.Change) -> Middleware:
    """Change all answers but the first one."""
    seen: list[Request] = []

    def middleware(request: Request, forward: Forward) -> Answer:
        seen.append(request)
        return change(forward(request)) if len(seen) > 1 else forward(request)

    return middleware


def of_everybody(request: Request, forward: Forward) -> Answer:
    """Answer with the rules of all organizations."""
    found = [forward(request.with_params(org_id=str(one))) for one in organizations()]
    rows = [row for answer in found for row in answer.json["rules"]]
    return found[0].with_json({"rules": rows, "status": "ok"})


def of_all_clusters(request: Request, forward: Forward) -> Answer:
    """Leave no cluster out."""
    return forward(request.as_operation("disabled"))


NOBODYS = ("", reworded(404)), ("", forgiven(404)), ("", renumbered(404, 400))
REFUSALS = (("", reworded(400)), ("", forgiven(400)), ("", renumbered(400, 404)))
OF_CLUSTERS = tuple(("disabled_clusters", make) for _, make in REFUSALS)
ANOTHERS = {
    "cluster_id": "0a332b89-da0e-59d5-ad16-1eba16cd4adc",
    "cluster_name": "",
    "disabled_at": "2026-03-01T10:00:00Z",
    "justification": "",
}
TIME = "rules.*.DisabledAt.Time"
LATER = edits.moved(hours=1)
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "every_disabled_rule_is_listed": (
        ("disabled", cut_to("rules", 3)),
        ("disabled_for_clusters", cut_to("rules", 5)),
        ("disabled_for_clusters", last_lost("rules")),
    ),
    "a_toggle_is_told_everywhere": (
        ("report", always("report.reports.*.disabled", False)),
        ("rule", always("report.disabled", False)),
        ("rule", always("report.disabled", True)),
        ("disabled", always("rules", [])),
        ("disabled_for_clusters", always("rules", [])),
        ("disabled_for_clusters", other("rules.*.RuleID")),
        ("disabled_clusters", always("clusters", None)),
        ("disabled_clusters", other("clusters.*.cluster_id")),
    ),
    "the_times_of_a_toggle_agree": (
        ("disabled", edited(TIME, LATER)),
        ("disabled", always("rules.*.DisabledAt.Valid", False)),
        ("disabled_for_clusters", edited(TIME, LATER)),
        ("disabled_for_clusters", edited("rules.*.UpdatedAt.Time", LATER)),
        ("disabled_clusters", edited("clusters.*.disabled_at", LATER)),
        ("rule", edited("report.disabled_at", LATER)),
    ),
    "a_toggle_without_a_reason_has_none": (
        ("report", always("report.reports.*.disable_feedback", "why")),
        ("report", always("report.reports.*.disabled_at", "2026-01-01T00:00:00Z")),
    ),
    "other_hits_of_the_cluster_stay_enabled": (
        ("report", lambda: after_the_first(edits.at(
            "report.reports.*.disabled", edits.value(True)))),
    ),
    "disabled_rules_of_other_clusters_are_left_out": (
        ("disabled_for_clusters", lambda: of_all_clusters),
    ),
    "the_lists_of_disabled_rules_agree": (
        ("disabled", stranger("rules")),
        ("disabled_clusters", always("clusters", None)),
    ),
    "the_cluster_disabled_last_comes_first": (
        ("disabled_clusters", turned("clusters")),
        ("disabled_clusters", last_lost("clusters")),
        ("disabled_clusters", stranger("clusters")),
    ),
    "disabled_rules_come_in_order": (
        ("disabled", turned("rules")),
        ("disabled_for_clusters", turned("rules")),
    ),
    "disabled_rules_are_of_one_organization": (("disabled", lambda: of_everybody),),
    "a_rule_that_nobody_disabled_has_no_clusters": (
        ("disabled_clusters", always("clusters", [])),
        ("disabled_clusters", always("clusters", [ANOTHERS])),
        ("disabled_clusters", changed(BROKEN)),
    ),
    "an_unknown_cluster_is_not_found": NOBODYS,
    "improper_clusters_are_refused": REFUSALS,
    "improper_rules_are_refused": REFUSALS,
    "toggles_of_improper_organizations_are_refused": REFUSALS,
    "the_clusters_of_improper_rules_are_refused": OF_CLUSTERS,
    "improper_organizations_are_refused": REFUSALS,
    "the_list_for_clusters_needs_a_body": tuple(
        ("disabled_for_clusters", make) for _, make in REFUSALS
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    with mock_instance() as found:
        yield found


@pytest.mark.parametrize("case", collected(toggles), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(toggles, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
