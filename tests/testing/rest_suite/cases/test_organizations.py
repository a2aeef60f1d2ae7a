"""Each case about organizations passes on correct answers and kills its mutants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from testing.rest_suite.cases import organizations
from testing.rest_suite.data import Inventory
from testing.rest_suite.sources.seed_file import seeded
from tests.mutation import edits
from tests.mutation.middleware import Request
from tests.mutation.operators import Make, changed

from .mock_instance import SEED, MockInstance, mock_instance
from .mutants import (
    BROKEN,
    always,
    edited,
    first_lost,
    forgiven,
    last_lost,
    only,
    renumbered,
    reworded,
    turned,
)
from .trials import BoundCase, Mutant, collected, trials


def padded(request: Request) -> bool:
    """Say whether a request writes the organization with leading zeros."""
    return request.params["organization"].startswith("0")


def of_the_last(request: Request) -> bool:
    """Say whether a request is about the last cluster of an organization."""
    return request.params["cluster"] == LAST


LAST = max(cluster.name for cluster in seeded(str(SEED)).organizations[0].clusters)
REFUSALS = (
    ("clusters", reworded(400)),
    ("clusters", forgiven(400, clusters=[])),
    ("clusters", renumbered(400, 500)),
)
FINDING = "what_finds_data_is_answered"
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    # told by the inventory, see below
    FINDING: (),
    "organizations_are_ascending": (("organizations", turned("organizations")),),
    "organizations_have_those_with_clusters": (("organizations", always("organizations", [1])),),
    "clusters_are_ascending": (
        ("clusters", turned("clusters")),
        ("clusters", edited("clusters", edits.doubled)),
    ),
    "clusters_are_those_of_the_organization": (
        ("clusters", first_lost("clusters")),
        ("clusters", last_lost("clusters")),
        ("clusters", always("clusters", [])),
    ),
    "listed_clusters_have_reports": (
        ("report", only(of_the_last, edits.refusal(404, "Item was not found in the storage"))),
        ("report", only(of_the_last, BROKEN)),
    ),
    "clusters_that_reported_since_are_listed": (
        ("clusters", first_lost("clusters")),
        ("clusters", last_lost("clusters")),
    ),
    "no_cluster_belongs_to_two_organizations": (
        ("clusters", edited("clusters", lambda _: ["0a332b89-da0e-59d5-ad16-1eba16cd4adc"])),
    ),
    "an_unknown_organization_has_no_clusters": (
        ("clusters", always("clusters", ["0a332b89-da0e-59d5-ad16-1eba16cd4adc"])),
        ("clusters", changed(BROKEN)),
    ),
    "leading_zeros_do_not_matter": (
        ("clusters", only(padded, BROKEN)),
        ("clusters", only(padded, edits.at("clusters", edits.value([])))),
    ),
    "an_improper_organization_is_refused": REFUSALS,
    "an_organization_beyond_32_bits_is_refused": REFUSALS,
}


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that answers rightly."""
    seed = seeded(str(SEED))
    # it lists them all: they were written only now
    organizations = [
        replace(one, clusters=tuple(replace(cluster, listed=True) for cluster in one.clusters))
        for one in seed.organizations
    ]
    with mock_instance(known=replace(seed, organizations=tuple(organizations))) as found:
        yield found


@pytest.mark.parametrize("case", collected(organizations), ids=lambda case: case.name)
def test_right_answers_pass(case: BoundCase, instance: MockInstance) -> None:
    expected = ("passed", "")
    if case.name == FINDING:
        expected = ("skipped", "the data are known from elsewhere")
    assert instance.outcome(case) == expected


@pytest.mark.parametrize(
    ("failed", "outcome"), [((), "passed"), (("GET /organizations -> 500",), "failed")]
)
def test_requests_that_failed_while_data_were_looked_for_are_told(
    failed: tuple[str, ...], outcome: str
) -> None:
    (case,) = [case for case in collected(organizations) if case.name == FINDING]
    with mock_instance(known=Inventory(failed=failed)) as instance:
        found, reason = instance.outcome(case)
    assert (found, "500" in reason) == (outcome, bool(failed))


@pytest.mark.parametrize(("case", "operation", "make"), trials(organizations, MUTANTS))
def test_wrong_answers_fail(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    outcome, reason = instance.outcome(case, operation, make)
    assert (outcome, "no answer" in reason) == ("failed", False)
