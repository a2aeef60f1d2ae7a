"""Each case about workloads passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import ingested_workloads, namespaces, workloads
from tests.mutation import edits
from tests.mutation.operators import Make

from .mock_instance import MockInstance
from .mutants import (
    BROKEN,
    WITH_BODY,
    always,
    edited,
    first_lost,
    forgiven,
    last_lost,
    only,
    other,
    renumbered,
    reworded,
    said,
    turned,
)
from .sent_messages import small_instance
from .small_seed import inventory
from .trials import BoundCase, Mutant, base, collected, trials

LIST, BODY, ALONE = "workloads", "workloads_by_body", "namespace_workloads"
ROWS = "workloads"
META = f"{ROWS}.*.metadata"

OF_LISTS: dict[str, tuple[Mutant, ...]] = {
    "known_namespaces_are_listed": (
        (LIST, first_lost(ROWS)),
        (LIST, other(f"{ROWS}.*.namespace.uuid")),
    ),
    "each_namespace_is_listed_once": ((LIST, edited(ROWS, edits.doubled)),),
    "a_row_is_what_the_namespace_says": (
        (LIST, other(f"{ROWS}.*.namespace.name")),
        (LIST, other(f"{META}.recommendations")),
        (LIST, other(f"{META}.objects")),
        (LIST, other(f"{META}.reported_at")),
        (LIST, other(f"{META}.last_checked_at")),
        (LIST, other(f"{ROWS}.*.recommendations_hit_count.*")),
        (LIST, other(f"{ROWS}.*.recommendations_hit_count")),
        (ALONE, edited("workloads.recommendations.*.objects", edits.doubled)),
        (ALONE, other("workloads.recommendations.*.check")),
    ),
    "a_namespace_was_reported_before_it_was_checked_last": (
        (LIST, edited(f"{META}.reported_at", edits.moved(hours=1))),
    ),
    "metadata_count_what_is_listed": (
        (LIST, other(f"{META}.recommendations")),
        (LIST, always(f"{META}.objects", 9)),
        (LIST, always(f"{META}.objects", 0)),
    ),
    "the_list_by_body_has_the_same_rows": (
        (LIST, always(ROWS, None)),
        (BODY, first_lost(ROWS)),
        (BODY, other(f"{ROWS}.*.namespace.name")),
    ),
    "a_body_limits_the_clusters": (
        (BODY, edited(ROWS, edits.doubled)),
        (BODY, only(said("abc"), BROKEN)),
        (BODY, other(f"{META}.objects")),
    ),
    "none_are_null_and_none_asked_for_is_empty": (
        (BODY, edited(ROWS, lambda rows: rows or [])),
        (BODY, edited(ROWS, lambda rows: rows or None)),
    ),
    "an_unknown_organization_has_none": (
        (LIST, edited(ROWS, lambda rows: rows or [])),
        (BODY, edited(ROWS, lambda rows: rows or [])),
        (BODY, edited(ROWS, lambda rows: rows or None)),
    ),
    "an_organization_beyond_31_bits_has_none": (
        (LIST, only(lambda request: request.params["org_id"] == "2147483648", BROKEN)),
    ),
    "workloads_of_other_organizations_are_not_shown": (
        (BODY, only(said("-"), BROKEN)),
        (LIST, always(f"{ROWS}.*.cluster.uuid", "0a332b89-da0e-59d5-ad16-1eba16cd4adc")),
    ),
    "a_name_is_a_name_and_nothing_else": ((BODY, edited(ROWS, lambda rows: rows or [])),),
    "lists_are_ascending": ((LIST, turned(ROWS)), (BODY, turned(ROWS))),
    "the_form_of_the_request_does_not_matter": (
        (LIST, only(lambda request: request.params["org_id"] == "00102", BROKEN)),
        (LIST, only(said("abc"), edits.at(ROWS, edits.value(None)))),
        (BODY, only(said("and so on"), BROKEN)),
        (BODY, only(lambda request: request.header("Content-Type") == "text/plain", BROKEN)),
    ),
    "a_chunked_body_is_read": (
        (BODY, only(lambda request: request.header("Transfer-Encoding"),
                    edits.at(ROWS, edits.value([])))),
    ),
    "an_improper_organization_is_refused": (
        ("", reworded(400)),
        ("", renumbered(400, 404)),
        ("", forgiven(400, workloads=None)),
    ),
    "a_body_of_another_kind_is_refused": (
        (BODY, reworded(400)),
        (BODY, only(said("hello"), BROKEN)),
        (BODY, only(said("[1]"), edits.refusal(200, "ok"))),
        (BODY, only(lambda request: not request.body, edits.text("no"))),
    ),
    "a_body_cut_short_is_refused": ((BODY, renumbered(400, 500)),),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
}  # fmt: skip

HERE = "workloads.recommendations"
OF_NAMESPACES: dict[str, tuple[Mutant, ...]] = {
    "a_namespace_is_the_one_asked_for": (
        (ALONE, other("workloads.cluster.uuid")),
        (ALONE, other("workloads.namespace.uuid")),
    ),
    "metadata_count_the_recommendations": (
        (ALONE, other("workloads.metadata.recommendations")),
        (ALONE, other("workloads.metadata.objects")),
        (ALONE, first_lost(HERE)),
        (ALONE, last_lost(f"{HERE}.0.objects")),
    ),
    "a_check_says_the_same_in_every_namespace": (
        (ALONE, only(lambda request: request.params["namespace"] == "s-2",
                     edits.at(f"{HERE}.*.extra_data", edits.value({})))),
    ),
    "a_namespace_answers_the_same_twice": (
        (ALONE, only(lambda request: request.params["org_id"] == "00101",
                     edits.at("workloads.namespace.name", edits.mapped(edits.other)))),
    ),
    "what_is_not_there_is_not_found": (
        (ALONE, reworded(404)),
        (ALONE, renumbered(404, 400)),
        (ALONE, only(lambda request: request.params["cluster"].isupper(), BROKEN)),
    ),
    "a_namespace_is_not_shown_in_other_clusters": ((ALONE, reworded(404)),),
    "another_organization_does_not_see_it": ((ALONE, reworded(404)), (ALONE, renumbered(404, 403))),
    "an_organization_beyond_31_bits_has_none": ((ALONE, renumbered(404, 500)),),
    "a_name_is_a_name_and_nothing_else": ((ALONE, reworded(404)),),
    "improper_parameters_are_refused": (
        (ALONE, reworded(400)),
        (ALONE, renumbered(400, 404)),
        (ALONE, only(lambda request: "\n" in request.params["namespace"], BROKEN)),
    ),
    "the_organization_is_looked_at_first": ((ALONE, reworded(400)),),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
}  # fmt: skip

OF_WHAT_WAS_SENT: dict[str, tuple[Mutant, ...]] = {
    "the_rows_are_those_sent": (
        (BODY, other(f"{ROWS}.*.namespace.name")),
        (BODY, other(f"{META}.reported_at")),
        (LIST, other(f"{META}.last_checked_at")),
        (LIST, first_lost(ROWS)),
        (LIST, other(f"{ROWS}.*.recommendations_hit_count.*")),
    ),
    "the_recommendations_are_those_sent": (
        (ALONE, turned(HERE)),
        (ALONE, turned(f"{HERE}.0.objects")),
        (ALONE, other(f"{HERE}.*.extra_data")),
        (ALONE, other(f"{HERE}.*.objects.*.kind")),
        (ALONE, other(f"{HERE}.*.objects.*.uid")),
        (ALONE, other(f"{HERE}.*.objects.*.display_name")),
        (ALONE, other("workloads.namespace.name")),
        (ALONE, other("workloads.metadata.reported_at")),
    ),
}
MODULES = (
    (workloads, OF_LISTS),
    (namespaces, OF_NAMESPACES),
    (ingested_workloads, OF_WHAT_WAS_SENT),
)
EVERY = [case for module, _ in MODULES for case in collected(module)]


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give a correct instance."""
    with small_instance() as found:
        yield found


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_a_right_instance_passes(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(
    ("case", "operation", "make"), [trial for pair in MODULES for trial in trials(*pair)]
)
def test_a_wrong_answer_fails(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


def test_nothing_is_compared_with_what_was_never_sent(instance: MockInstance) -> None:
    known = inventory(certain=False, produced_workloads=())
    skipped = [base(case) for case in EVERY if instance.outcome(case, known=known)[0] == "skipped"]
    assert skipped == [
        "metadata_count_what_is_listed",
        "metadata_count_the_recommendations",
        "the_rows_are_those_sent",
        "the_recommendations_are_those_sent",
    ]


def test_list_that_hides_all_namespaces_from_discovery_fails(instance: MockInstance) -> None:
    found = inventory(certain=False, produced_workloads=())
    blind = tuple(type(one)(one.org_id, one.clusters) for one in found.organizations)
    known = type(found)(blind, "found by reading")
    broken = [base(case) for case in EVERY
              if instance.outcome(case, LIST, other(f"{META}.highest_severity"), known=known)[0]
              == "failed"]  # fmt: skip
    assert "a_row_is_what_the_namespace_says" in broken
    assert "a_namespace_is_the_one_asked_for" in broken


def test_namespaces_without_recommendations_fail_where_lists_count_them(
    instance: MockInstance,
) -> None:
    known = inventory(certain=False, produced_workloads=())
    (case,) = [case for case in EVERY if base(case) == "a_row_is_what_the_namespace_says"]
    assert instance.outcome(case, known=known) == ("passed", "")
    outcome, reason = instance.outcome(case, ALONE, always(HERE, []), known)
    assert (outcome, "no namespace shows them" in reason) == ("failed", True)
