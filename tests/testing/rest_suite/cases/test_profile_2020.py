"""The cases of the profile of 2020 pass an instance like the service of 2020, and fail others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from aggregator.config.options import ServerConfig
from testing.rest_suite.behaviour import BEHAVIOURS
from testing.rest_suite.case import DELETE, REFERENCE_2020
from testing.rest_suite.cases import authentication
from testing.rest_suite.cases.authentication import identity
from testing.rest_suite.contract import JSON, OPERATIONS
from testing.rest_suite.credentials import Bearer, Credentials, IdentityHeader, encoded
from tests.mutation.edits import refusal
from tests.mutation.middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)
from tests.mutation.operators import Make

from .mock_instance import MockInstance
from .mutants import (
    forgiven,
    only,
    renumbered,
    reworded,
)
from .sent_messages import small_instance
from .small_seed import OWN, inventory
from .trials import BoundCase, all_cases

LEGACY = BEHAVIOURS[REFERENCE_2020]
OPEN = ("metrics", "openapi")
GROUPS = ("acks", "authentication", "deletes", "organizations", "permission", "reports", "tokens")
CASES = [
    case
    for case in all_cases()
    if case.group in GROUPS and REFERENCE_2020 in (case.profiles or (REFERENCE_2020,))
]


def part(document: object) -> str:
    """Return a document as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


FLAT = f"{part({'alg': 'HS256'})}.{part({'account_number': '1', 'org_id': '101'})}.c2ln"


DONE = Answer(200, (("Content-Type", JSON),), b"").with_json({"status": "ok"})


class Refused(Exception):
    """A request that is answered with 403; its text says why."""


def organization(text: str, *, flat: bool) -> int:
    """Return the organization of a token as the service of 2020 read it, 0 when it has none."""
    fold = json.JSONDecoder(object_pairs_hook=lambda ps: {k.lower(): v for k, v in ps})
    try:
        document = fold.decode(base64.b64decode(text, validate=True).decode())
        document = {} if document is None else document
        inner = document if flat else document.get("identity") or {}
        account = inner.get("account_number") or ""
        org = (inner if flat else inner.get("internal") or {}).get("org_id")
        if not isinstance(account, str) or not isinstance(org, str | None):
            raise ValueError(org)
        number = 0 if org is None else int(org)
    except (ValueError, AttributeError, binascii.Error):
        raise Refused(LEGACY.malformed_token) from None
    if not 0 <= number < 2**32:
        raise Refused(LEGACY.malformed_token)
    return number


def who(request: Request, *, bearer: bool) -> int:
    """Return the organization that asks."""
    header = request.header("Authorization" if bearer else "x-rh-identity")
    if not bearer:
        if not header:
            raise Refused(LEGACY.missing_token)
        return organization(header, flat=False)
    words = header.split(" ")
    if len(words) != 2:
        raise Refused(LEGACY.missing_bearer)
    claims = words[1].split(".")[1]
    padded = claims.translate(str.maketrans("-_", "+/")) + "=" * (-len(claims) % 4)
    return organization(padded, flat=True)


def legacy(*, bearer: bool) -> Middleware:
    """Return the service of 2020: who may ask, and how it is said."""

    def refused(text: str) -> Answer:
        return Answer(403, (("Content-Type", JSON),), b"").with_json({"status": text})

    def middleware(request: Request, forward: Forward) -> Answer:
        operation = request.operation
        if operation and REFERENCE_2020 not in OPERATIONS[operation].profiles:
            return forward(replace(request, operation="", target="/no-such-path"))
        if not operation or (operation in OPEN and "=" not in request.target):
            return forward(request)
        try:
            number = who(request, bearer=bearer)
        except Refused as reason:
            return refused(str(reason))
        if not number:
            return DONE if operation == "main" else refused(LEGACY.foreign)
        header = encoded(identity(org_id=str(number)))
        known = request.with_headers(x_rh_identity=header, authorization=f"Bearer {FLAT}")
        answer = forward(known)
        return refused(LEGACY.foreign) if answer.status == 403 else answer

    return middleware


def outcome_of(
    instance: MockInstance, case: BoundCase, change: Make | None = None, token: str = ""
) -> str:
    """Run a case against the service of 2020, or one with a mutant on top of it."""
    service = legacy(bearer=bool(token))

    def make() -> Middleware:
        mutant = change() if change else None

        def mutated(request: Request, forward: Forward) -> Answer:
            if mutant is None:
                return service(request, forward)
            return mutant(request, lambda one: service(one, forward))

        return mutated

    known = inventory()
    if token:
        # a token speaks for one organization, and the suite looks at no other
        mine = tuple(one for one in known.organizations if one.org_id == OWN)
        known = replace(known, organizations=mine)
    who: Credentials = Bearer(token, OWN) if token else IdentityHeader()
    return instance.outcome(
        case, "*", make, known, credentials=who, profile=REFERENCE_2020, strict=False
    )[0]


def believing(request: Request, forward: Forward) -> Answer:
    """Take any token for the one of the run."""
    if request.header("Authorization"):
        return forward(request.with_headers(authorization=f"Bearer {FLAT}"))
    return forward(request)


def unlike(header: str) -> Make:
    """Refuse an identity header that the service of 2020 takes."""
    refused = refusal(403, LEGACY.malformed_token)
    return only(lambda request: request.header("x-rh-identity") == header, refused)


SERVER = ServerConfig(debug=True, auth=True, organization_check="legacy")


@pytest.fixture(scope="module")
def shared() -> Iterator[MockInstance]:
    """Give an instance that compares organizations as the service of 2020 did."""
    with small_instance(SERVER) as found:
        yield found


@pytest.fixture
def instance(case: BoundCase, request: pytest.FixtureRequest) -> Iterator[MockInstance]:
    """Give the shared instance, or a new one to cases that delete."""
    if case.kind != DELETE:
        yield request.getfixturevalue("shared")
        return
    with small_instance(SERVER) as found:
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("token", ["", FLAT], ids=["xrh", "jwt"])
def test_the_service_of_2020_passes(case: BoundCase, token: str, instance: MockInstance) -> None:
    assert outcome_of(instance, case, token=token) in ("passed", "skipped")


OPEN_DOOR = (reworded(403), renumbered(403, 401), forgiven(403))
MUTANTS = {
    "reading_needs_a_token[main]": OPEN_DOOR,
    "writing_needs_a_token[like_2020]": OPEN_DOOR,
    "deleting_needs_a_token[delete_clusters]": OPEN_DOOR,
    "a_malformed_header_is_refused[a list]": OPEN_DOOR,
    "a_malformed_user_is_refused_where_it_is_read[a user as text]": (
        unlike(authentication.MALFORMED_USERS["a user as text"]),
    ),
    "a_header_without_an_organization_is_refused[nothing]": (
        unlike(authentication.NOBODYS_HEADERS["nothing"][0]),
        forgiven(403, clusters=[]),
    ),
    "an_empty_header_is_none": OPEN_DOOR,
    "clusters_are_for_their_organization": (reworded(403), renumbered(403, 404)),
    "writing_about_a_cluster_is_for_its_owner[like_2020]": (reworded(403), forgiven(403)),
}
OF_TOKENS = {
    "claims_that_cannot_be_read_are_refused": (
        reworded(403),
        renumbered(403, 401),
        lambda: believing,
    )
}


def trials(mutants: Mapping[str, tuple[Make, ...]]) -> list[object]:
    """Return a parameter set (case, mutant) for each mutant of each case."""
    by_name = {case.name: case for case in CASES}
    return [
        pytest.param(by_name[name], make, id=f"{name}-{number}")
        for name, makes in mutants.items()
        for number, make in enumerate(makes)
    ]


@pytest.mark.parametrize(("case", "make"), trials(MUTANTS))
def test_another_answer_than_in_2020_fails(
    case: BoundCase, make: Make, instance: MockInstance
) -> None:
    assert outcome_of(instance, case) == "passed"
    assert outcome_of(instance, case, make) == "failed"


@pytest.mark.parametrize(("case", "make"), trials(OF_TOKENS))
def test_another_answer_to_a_token_than_in_2020_fails(
    case: BoundCase, make: Make, instance: MockInstance
) -> None:
    assert outcome_of(instance, case, token=FLAT) == "passed"
    assert outcome_of(instance, case, make, token=FLAT) == "failed"
