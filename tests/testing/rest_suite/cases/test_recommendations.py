"""Each case about recommendations passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.rest_suite.cases import clusters_detail, recommendations
from tests.mutation import edits
from tests.mutation.operators import Make, changed

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
    stranger,
    turned,
)
from .sent_messages import small_instance
from .small_seed import inventory
from .trials import BoundCase, Mutant, base, collected, trials

RULES, CLUSTERS = "recommendations", "cluster_recommendations"
DETAIL = "clusters_detail"
OF_RULES, OF_CLUSTERS = "recommendations", "clusters"


def in_both(edit: edits.Edit) -> edits.Change:
    """Change what a list has, whichever of the two it is."""
    rules, clusters = edits.at(OF_RULES, edit), edits.at(OF_CLUSTERS, edit)
    return lambda answer: clusters(rules(answer))


INVENTED = in_both(edits.mapped(lambda old: old or {"a.b|K": ["x"]}))
EMPTIED = in_both(edits.value({}))
OF_LISTS: dict[str, tuple[Mutant, ...]] = {
    "the_list_by_cluster_is_what_the_reports_say": (
        (CLUSTERS, first_lost(OF_CLUSTERS)),
        (CLUSTERS, stranger(OF_CLUSTERS)),
        (CLUSTERS, other("clusters.*.created_at")),
        (CLUSTERS, edited("clusters.*.recommendations", edits.without_first)),
        (CLUSTERS, other("clusters.*.recommendations.*")),
        ("report", first_lost("report.reports")),
    ),
    "the_list_by_recommendation_is_what_the_reports_say": (
        (RULES, first_lost(OF_RULES)),
        (RULES, stranger(OF_RULES)),
        (RULES, edited("recommendations.*", lambda names: [*names, names[0][::-1]])),
    ),
    "each_known_cluster_has_its_recommendations": (
        (CLUSTERS, last_lost(OF_CLUSTERS)),
        (CLUSTERS, other("clusters.*.recommendations.*")),
    ),
    "a_cluster_sent_was_checked_when_the_message_says": (
        (CLUSTERS, edited("clusters.*.created_at", lambda old: old.replace(".25Z", ".250Z"))),
        (CLUSTERS, edited("clusters.*.created_at", edits.moved(seconds=-1))),
        (CLUSTERS, other("clusters.*.meta.cluster_version")),
    ),
    "a_list_of_one_cluster_has_nothing_of_others": (
        (RULES, only(lambda request: request.body.count(b",") == 0, edits.at(
            OF_RULES, edits.mapped(edits.strange)))),
        (CLUSTERS, only(lambda request: request.body.count(b",") == 0, edits.at(
            OF_CLUSTERS, edits.mapped(edits.strange)))),
    ),
    "a_cluster_without_hits_has_an_empty_list": (
        (CLUSTERS, always(OF_CLUSTERS, {})),
        (CLUSTERS, always("clusters.*.recommendations", ["a.b|KEY"])),
        (RULES, always(OF_RULES, {"a.b|KEY": ["0a332b89-da0e-59d5-ad16-1eba16cd4adc"]})),
    ),
    "a_list_of_nothing_is_empty": (
        ("", changed(INVENTED)),
        ("", only(said("null"), BROKEN)),
        ("", only(lambda request: request.body == b"[]", BROKEN)),
    ),
    "unknown_clusters_are_left_out": (
        ("", only(said(","), EMPTIED)),
        ("", changed(EMPTIED)),
        ("", only(said(","), BROKEN)),
    ),
    "names_are_names_and_nothing_else": (
        ("", only(said("'"), BROKEN)),
        ("", only(said("%"), INVENTED)),
    ),
    "clusters_of_other_organizations_are_left_out": (
        ("", only(lambda request: request.params["org_id"] == "101" and b"3d24" in request.body,
                  BROKEN)),
    ),
    "an_unknown_organization_has_none": (("", only(lambda r: r.params["org_id"] > "2", BROKEN)),),
    "an_organization_beyond_31_bits_has_none": (
        ("", only(lambda request: request.params["org_id"] == "4294967295", BROKEN)),
    ),
    "lists_are_ascending": (
        (RULES, turned(OF_RULES)),
        (RULES, edited("recommendations.*", edits.turned)),
        (CLUSTERS, turned(OF_CLUSTERS)),
        (CLUSTERS, edited("clusters.*.recommendations", edits.turned)),
    ),
    "the_form_of_the_request_does_not_matter": (
        ("", only(said("and so on"), BROKEN)),
        ("", only(lambda request: request.params["org_id"] == "00101", BROKEN)),
        ("", only(lambda request: request.header("Transfer-Encoding"), BROKEN)),
        ("", only(lambda request: request.header("Content-Type") == "text/plain", BROKEN)),
    ),
    "improper_parameters_are_refused": (
        ("", reworded(400)),
        ("", forgiven(400)),
        ("", renumbered(400, 500)),
        ("", only(lambda request: request.params["org_id"] == "abc", edits.text("no"))),
    ),
    "a_body_of_another_kind_is_refused": (
        ("", reworded(400)),
        ("", only(said("hello"), BROKEN)),
        ("", only(said("[1]"), edits.refusal(200, "ok"))),
    ),
    "a_body_that_is_absent_or_cut_short_is_refused": (
        ("", reworded(400)),
        ("", only(said('["abc'), BROKEN)),
        ("", only(lambda request: not request.body, BROKEN)),
    ),
    "options_only_tell_the_methods": (
        ("*", renumbered(200, 405)),
        ("*", changed(edits.header("Allow", None))),
        ("*", changed(edits.header("Allow", "GET, OPTIONS"))),
        ("*", changed(edits.body(lambda _: b"0a332b89-da0e-59d5-ad16-1eba16cd4adc"))),
    ),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
}  # fmt: skip

ROW = "clusters.0"
OF_DETAIL: dict[str, tuple[Mutant, ...]] = {
    "known_hits_are_among_the_clusters": (
        (DETAIL, first_lost("clusters")),
        (DETAIL, last_lost("clusters")),
    ),
    "each_recommendation_is_found": (
        (DETAIL, changed(BROKEN)),
        (DETAIL, other(f"{ROW}.cluster")),
    ),
    "clusters_are_those_of_the_list_by_recommendation": (
        (DETAIL, stranger("clusters")),
        (RULES, edited("recommendations.*", edits.without_first)),
    ),
    "versions_are_those_of_the_list_by_cluster": (
        (DETAIL, other(f"{ROW}.meta.cluster_version")),
        (CLUSTERS, other("clusters.*.meta.cluster_version")),
    ),
    "clusters_are_ascending": ((DETAIL, turned("clusters")),),
    "no_cluster_of_the_list_by_recommendation_is_missing": (
        (DETAIL, edited("clusters", lambda rows: rows[:1])),
        (DETAIL, only(said("clusters"), edits.at("clusters", edits.mapped(edits.without_last)))),
    ),
    "a_body_limits_the_clusters": (
        (DETAIL, only(said("abc"), BROKEN)),
        (DETAIL, only(said("Clusters"), BROKEN)),
        (DETAIL, only(said("clusters"), edits.at("clusters", edits.mapped(edits.doubled)))),
    ),
    "a_row_is_the_same_in_a_limited_list": (
        (DETAIL, only(said("clusters"), edits.at(f"{ROW}.impacted", edits.mapped(
            edits.moved(hours=1))))),
    ),
    "an_empty_list_does_not_limit": (
        (DETAIL, only(said("[]"), edits.at("clusters", edits.value([])))),
        (DETAIL, only(said("null"), BROKEN)),
    ),
    "what_is_not_hit_is_not_found": (
        (DETAIL, reworded(404)),
        (DETAIL, forgiven(404, clusters=[])),
        (DETAIL, only(said("abc"), BROKEN)),
    ),
    "an_unknown_organization_has_none": ((DETAIL, forgiven(404, clusters=[])),),
    "an_organization_beyond_31_bits_has_none": ((DETAIL, renumbered(404, 500)),),
    "clusters_of_other_organizations_are_not_shown": ((DETAIL, forgiven(404, clusters=[])),),
    "a_name_is_a_name_and_nothing_else": ((DETAIL, only(said("it's"), BROKEN)),),
    "a_chunked_body_limits_the_clusters": (
        (DETAIL, only(lambda request: request.header("Transfer-Encoding"), edits.at(
            "clusters", edits.mapped(edits.doubled)))),
    ),
    "improper_parameters_are_refused": ((DETAIL, reworded(400)), (DETAIL, renumbered(400, 404))),
    "the_organization_is_looked_at_first": ((DETAIL, reworded(400)),),
    "a_body_of_another_kind_is_refused": (
        (DETAIL, reworded(400)),
        (DETAIL, only(said("hello"), BROKEN)),
    ),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
}  # fmt: skip


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give a correct instance."""
    with small_instance() as found:
        yield found


@pytest.mark.parametrize("case", [*collected(recommendations), *collected(clusters_detail)],
                         ids=lambda case: case.id)  # fmt: skip
def test_a_right_instance_passes(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(
    ("case", "operation", "make"),
    [*trials(recommendations, OF_LISTS), *trials(clusters_detail, OF_DETAIL)],
)
def test_a_wrong_answer_fails(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


def test_nothing_is_compared_with_what_is_only_found_by_reading(instance: MockInstance) -> None:
    known = inventory(certain=False, produced=())
    skipped = [base(case) for case in collected(recommendations)
               if instance.outcome(case, known=known)[0] == "skipped"]  # fmt: skip
    assert skipped == [
        "each_known_cluster_has_its_recommendations",
        "a_cluster_sent_was_checked_when_the_message_says",
    ]
