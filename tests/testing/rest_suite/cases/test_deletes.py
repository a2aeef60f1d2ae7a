"""Each case about deletes passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from aggregator.config.options import ServerConfig
from testing.rest_suite.case import REFERENCE_2026
from testing.rest_suite.cases import deletes
from tests.mutation import edits
from tests.mutation.edits import refusal, status_is
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import Make, changed, swallowed

from .mock_instance import MockInstance, fixed
from .mutants import (
    BROKEN,
    WITH_BODY,
    always,
    edited,
    forgiven,
    only,
    renumbered,
    reworded,
)
from .sent_messages import small_instance
from .small_seed import (
    ALPHA,
    BETA,
    GAMMA,
    OWN,
)
from .trials import BoundCase, Mutant, base, collected, trials

CLUSTERS, ORGANIZATIONS = "delete_clusters", "delete_organizations"
IDLE = swallowed(lambda request: {"status": "ok"})
ELSEWHERE = "rows_of_a_deleted_cluster_stay", "without_debug_nothing_can_be_deleted"


def greedy(also: str) -> Make:
    """Delete something else, too."""

    def middleware(request: Request, forward: Forward) -> Answer:
        forward(request.with_params(clusters=also))
        return forward(request)

    return lambda: middleware


def hasty(request: Request, forward: Forward) -> Answer:
    """Delete what can be deleted before refusing the rest."""
    for name in request.params["clusters"].split(","):
        forward(request.with_params(clusters=name))
    return forward(request)


def careless(request: Request, forward: Forward) -> Answer:
    """Take names in capitals for those in small letters."""
    return forward(request.with_params(clusters=request.params["clusters"].lower()))


def hasty_too(request: Request, forward: Forward) -> Answer:
    """Delete the first organization before refusing the second."""
    first = request.params["organizations"].split(",")[0]
    return forward(request.with_params(organizations=first)) and forward(request)


MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "a_deleted_cluster_is_gone": (
        (CLUSTERS, IDLE),
        (CLUSTERS, changed(BROKEN)),
        ("report", forgiven(404)),
        ("report", reworded(404)),
        ("report_info", renumbered(404, 200)),
        ("clusters", edited("clusters", lambda names: [*names, GAMMA])),
        ("cluster_recommendations", always("clusters", {"x": {}})),
        ("reports", always("errors", None)),
        (CLUSTERS, greedy(BETA)),
    ),
    "several_clusters_are_deleted_at_once": (
        (CLUSTERS, lambda: lambda request, forward: forward(
            request.with_params(clusters=request.params["clusters"].split(",")[0]))),
        (CLUSTERS, greedy(ALPHA)),
    ),
    "a_deleted_cluster_is_unknown_to_votes": (
        ("get_vote", reworded(404)),
        ("get_vote", forgiven(404, vote=0)),
    ),
    "what_belongs_to_a_deleted_cluster_goes_with_it": (
        ("rule", renumbered(404, 200)),
        ("recommendations", always("recommendations", {"a.b|K": [ALPHA]})),
        ("clusters_detail", forgiven(404, clusters=[])),
        ("workloads_by_body", always("workloads", [])),
        ("disabled_for_clusters", always("rules", [{}])),
        ("reasons", always("reasons", [{}])),
    ),
    "what_is_not_there_is_deleted_without_a_word": (
        (CLUSTERS, changed(BROKEN)),
        (CLUSTERS, only(lambda request: "," in request.params["clusters"], refusal(404, "none"))),
        (ORGANIZATIONS, changed(refusal(404, "none"))),
    ),
    "a_name_in_capitals_is_another_one": ((CLUSTERS, lambda: careless),),
    "an_improper_cluster_is_refused": (
        (CLUSTERS, reworded(400)),
        (CLUSTERS, forgiven(400)),
        (CLUSTERS, renumbered(400, 404)),
    ),
    "nothing_is_deleted_when_one_cluster_is_improper": (
        (CLUSTERS, lambda: hasty),
        (CLUSTERS, forgiven(400)),
    ),
    "improper_organizations_are_refused": (
        (ORGANIZATIONS, reworded(400)),
        (ORGANIZATIONS, only(lambda request: request.params["organizations"] == " 1",
                             refusal(200, "ok"))),
    ),
    "nothing_is_deleted_when_one_organization_is_improper": (
        (ORGANIZATIONS, forgiven(400)),
        (ORGANIZATIONS, lambda: hasty_too),
    ),
    "other_methods_are_not_allowed": tuple(("*", make) for make in WITH_BODY),
    "a_deleted_organization_is_gone": (
        (ORGANIZATIONS, IDLE),
        ("organizations", always("organizations", [OWN, 102])),
        ("workloads", edited("workloads", lambda rows: rows or [])),
        (ORGANIZATIONS, lambda: lambda request, forward: forward(request) and forward(
            request.with_params(organizations=str(OWN)))),
    ),
}  # fmt: skip
EVERY = [case for case in collected(deletes) if base(case) not in ELSEWHERE]
STAYING, WITHOUT_DEBUG = (case for case in collected(deletes) if base(case) in ELSEWHERE)


@pytest.fixture(params=["", "xrh"], ids=["open", "xrh"])
def either(request: pytest.FixtureRequest) -> Iterator[MockInstance]:
    """Give an instance without authentication, and one with: a new one, as cases delete."""
    with small_instance(ServerConfig(debug=True, auth=bool(request.param))) as found:
        yield found


@pytest.fixture
def instance() -> Iterator[MockInstance]:
    """Give a new instance."""
    with small_instance() as found:
        yield found


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_correct_instance_passes(case: BoundCase, either: MockInstance) -> None:
    assert either.outcome(case) == ("passed", "")


@pytest.mark.parametrize(
    ("case", "operation", "make"), trials(deletes, {**MUTANTS, **dict.fromkeys(ELSEWHERE, ())})
)
def test_mutant_is_killed(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


def test_the_reference_keeps_rows_of_deleted_clusters(instance: MockInstance) -> None:
    """It does so here by not deleting at all; a clean instance fails."""
    idle = instance.outcome(STAYING, CLUSTERS, IDLE, profile=REFERENCE_2026)
    assert idle == ("passed", "")
    assert instance.outcome(STAYING, profile=REFERENCE_2026)[0] == "failed"


def test_without_debug_the_paths_do_not_exist(instance: MockInstance) -> None:
    def hidden(request: Request, forward: Forward) -> Answer:
        return forward(replace(request, target="/no-such-path", operation=""))

    found = instance.outcome(WITHOUT_DEBUG, "*", fixed(hidden), debug=False)
    assert found == ("passed", "")
    assert instance.outcome(WITHOUT_DEBUG, debug=False)[0] == "failed"
    worded = changed(edits.body(lambda _: b"not found"), status_is(404))()

    def both(request: Request, forward: Forward) -> Answer:
        return worded(request, lambda one: hidden(one, forward))

    assert instance.outcome(WITHOUT_DEBUG, "*", fixed(both), debug=False)[0] == "failed"
