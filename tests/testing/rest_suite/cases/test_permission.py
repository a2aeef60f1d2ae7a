"""Each case about whose data one may ask about passes on correct answers and kills its mutants."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from aggregator.config.options import ServerConfig
from testing.rest_suite.cases import permission
from tests.mutation import edits
from tests.mutation.edits import refusal, status_is
from tests.mutation.middleware import Answer, Forward, Request
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance
from .mutants import (
    BROKEN,
    always,
    forgiven,
    only,
    renumbered,
    reworded,
)
from .sent_messages import small_instance
from .small_seed import OWN
from .trials import BoundCase, Mutant, base, collected, trials

LEGACY = "any_organization_may_read_where_the_check_is_the_old_one"


def asking(request: Request) -> str:
    """Return the organization of a request's identity."""
    document = json.loads(base64.b64decode(request.header("x-rh-identity")))
    return str(document["identity"]["org_id"])


def by_owner(request: Request, forward: Forward) -> Answer:
    """Take everybody for an owner."""
    refused = forward(request)
    for number in ("101", "102", "2000000011"):
        document = {"identity": {"org_id": number}}
        header = base64.b64encode(json.dumps(document).encode()).decode()
        concerned = request
        if refused.status == 404 and "org_id" in request.params:
            # where other organizations are concealed, the path must name the owner, too
            concerned = request.with_params(org_id=number)
        answer = forward(concerned.with_headers(x_rh_identity=header))
        if answer.status != 403 and answer.body != refused.body:
            return answer
    return answer


def leaking(request: Request, forward: Forward) -> Answer:
    """Refuse, but do it all the same."""
    answer = forward(request)
    by_owner(request, forward)
    return answer


def naming(answer: Answer) -> Answer:
    """Name the owner in a refusal."""
    return answer.with_json({"status": f"{answer.json['status']} with ID 101"})


REFUSALS: tuple[Mutant, ...] = (
    ("", reworded(403)),
    ("", renumbered(403, 401)),
    ("", renumbered(403, 404)),
    ("", changed(naming, status_is(403))),
    ("", lambda: by_owner),
)
# clusters of other organizations are answered like unknown ones
CONCEALED: tuple[Mutant, ...] = (
    ("", reworded(404)),
    ("", renumbered(404, 401)),
    ("", renumbered(404, 403)),
    ("", changed(naming, status_is(404))),
    ("", lambda: by_owner),
)
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "clusters_are_for_their_organization": (
        ("clusters", lambda: by_owner),
        ("clusters", reworded(403)),
        ("clusters", only(lambda request: request.params["organization"] == "102", BROKEN)),
    ),
    "clusters_of_another_organization_are_refused": (
        ("clusters", lambda: by_owner),
        ("clusters", renumbered(403, 401)),
    ),
    "votes_are_told_to_the_owner_of_the_cluster": CONCEALED,
    "writing_about_a_cluster_is_for_its_owner": CONCEALED,
    "a_refused_vote_is_not_stored": (
        ("disable", lambda: leaking),
        ("like", renumbered(404, 200)),
        ("report", always("report.reports.*.user_vote", 1)),
    ),
    "an_unknown_cluster_has_no_owner": (
        ("", reworded(404)),
        ("", renumbered(404, 403)),
        ("", forgiven(404)),
    ),
    "reading_about_another_organization_is_refused": REFUSALS[:3],
    "writing_about_another_organization_is_refused": REFUSALS[:3],
    "what_is_there_is_for_its_organization": (
        ("", lambda: by_owner),
        ("", reworded(403)),
        ("", renumbered(403, 404)),
    ),
    "organizations_are_listed_for_all": (
        ("organizations", only(lambda request: asking(request) == "2000000011",
                               edits.at("organizations", edits.value([OWN])))),
        ("organizations", always("organizations", [102])),
    ),
    "a_cluster_is_not_known_to_another_organization": (
        ("report", reworded(404)),
        ("report_info", renumbered(404, 200)),
        ("rule", reworded(404)),
        ("reports", always("errors", None)),
        ("reports", always("errors", ["another"])),
    ),
    "deleting_another_organization_is_refused": (
        ("delete_organizations", forgiven(403)),
        ("delete_organizations", reworded(403)),
        ("delete_organizations", only(lambda request: "," in request.params["organizations"],
                                      refusal(200, "ok"))),
    ),
    "deleting_a_cluster_is_for_its_owner": (
        ("delete_clusters", renumbered(200, 403)),
        ("delete_clusters", lambda: leaking),
    ),
    LEGACY: (),
}  # fmt: skip
STRICT = [case for case in collected(permission) if base(case) != LEGACY]
OLD = [case for case in collected(permission) if base(case) == LEGACY]


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that compares organizations strictly."""
    with small_instance(ServerConfig(debug=True, auth=True)) as found:
        yield found


@pytest.fixture(scope="module")
def lenient() -> Iterator[MockInstance]:
    """Give an instance that compares organizations as the Go service does."""
    server = ServerConfig(debug=True, auth=True, organization_check="legacy")
    with small_instance(server) as found:
        yield found


@pytest.mark.parametrize("case", STRICT, ids=lambda case: case.id)
def test_correct_instance_passes(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize("case", collected(permission), ids=lambda case: case.id)
def test_instance_that_compares_as_the_reference_passes(
    case: BoundCase, lenient: MockInstance
) -> None:
    needs = ("another_organization_is_refused", "for_its_organization", "is_for_its_owner")
    strictly = any(text in case.name for text in needs) and "writing_about_a_cl" not in case.name
    wanted = "skipped" if strictly else "passed"
    assert lenient.outcome(case)[0] == wanted


@pytest.mark.parametrize(("case", "operation", "make"), trials(permission, MUTANTS))
def test_mutant_is_killed(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


@pytest.mark.parametrize("case", OLD, ids=lambda case: case.id)
def test_refusal_where_the_reference_answers_fails(case: BoundCase, lenient: MockInstance) -> None:
    refusing = only(lambda request: asking(request) == "2000000011", refusal(403, "no"))
    assert lenient.outcome(case, str(case.arguments[0]), refusing)[0] == "failed"
