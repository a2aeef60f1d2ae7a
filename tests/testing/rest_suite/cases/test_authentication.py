"""Each case about who may ask passes on correct answers and kills its mutants."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aggregator.config.options import ServerConfig
from testing.rest_suite.case import REFERENCE_2020
from testing.rest_suite.cases import authentication, tokens
from testing.rest_suite.cases.tokens import other_first_letter
from testing.rest_suite.credentials import Bearer, encoded
from tests.mutation import edits
from tests.mutation.edits import refusal, status_is
from tests.mutation.middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)
from tests.mutation.operators import Make, changed

from .mock_instance import MockInstance
from .mutants import (
    BROKEN,
    forgiven,
    only,
    renumbered,
    reworded,
)
from .sent_messages import small_instance
from .small_seed import OWN
from .trials import BoundCase, Mutant, base, collected, trials

UNREADABLE = "claims_that_cannot_be_read_are_refused"
IGNORED = "where_nobody_is_asked_the_header_is_ignored"


def part(document: object) -> str:
    """Return a document as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


PLAIN = encoded(authentication.identity())
CLAIMS = {"identity": {"org_id": "101"}}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TOKEN = jwt.encode(CLAIMS, KEY, algorithm="RS256")
SIGNATURE = TOKEN.rpartition(".")[2]


def to_main(change: edits.Change, status: int) -> Make:
    """Change what the main endpoint answers with a status."""
    return changed(change, status_is(status))


def with_anybody(request: Request, forward: Forward) -> Answer:
    """Take those for organization 1 who do not say who they are."""
    if request.header("x-rh-identity") or request.header("Authorization"):
        return forward(request)
    return forward(request.with_headers(x_rh_identity=encoded({"identity": {"org_id": "1"}})))


def believing(*header: str) -> Make:
    """Believe some bearer tokens more."""

    def middleware(request: Request, forward: Forward) -> Answer:
        if any(text in request.header("Authorization") for text in header):
            return forward(request.with_headers(authorization=f"Bearer {TOKEN}"))
        return forward(request)

    return lambda: middleware


def once() -> Middleware:
    """Return an instance that takes a token three times, and then no more."""
    seen: list[str] = []

    def middleware(request: Request, forward: Forward) -> Answer:
        seen.append(request.header("Authorization"))
        return refusal(401, "used")(forward(request)) if len(seen) > 3 else forward(request)

    return middleware


def unsigned(request: Request, forward: Forward) -> Answer:
    """Believe what has no signature."""
    if request.header("Authorization").endswith("."):
        return forward(request.with_headers(authorization=f"Bearer {TOKEN}"))
    return forward(request)


def as_in_2020(request: Request) -> bool:
    """Say whether the identity names its organization only where it was in 2020."""
    inner = json.loads(base64.b64decode(request.header("x-rh-identity"))).get("identity") or {}
    return "internal" in inner and "org_id" not in inner


OPEN_DOOR: tuple[Mutant, ...] = (
    ("", reworded(401)),
    ("", renumbered(401, 403)),
    ("", renumbered(401, 400)),
    ("", forgiven(401)),
    ("", lambda: with_anybody),
)
MUTANTS: dict[str, tuple[Mutant, ...]] = {
    "reading_needs_a_token": OPEN_DOOR,
    "writing_needs_a_token": OPEN_DOOR,
    "deleting_needs_a_token": OPEN_DOOR,
    "what_scrapers_read_needs_no_token": (
        ("", changed(refusal(401, "Missing auth token"))),
        ("*", only(lambda request: request.target.endswith("?"), refusal(401, "none"))),
    ),
    "with_a_query_a_token_is_needed": (
        ("*", forgiven(401)),
        ("*", reworded(401)),
        ("*", renumbered(401, 403)),
    ),
    "options_need_no_token": (
        ("*", only(lambda request: request.method == "OPTIONS", refusal(401, "none"))),
        ("*", only(lambda request: request.method == "OPTIONS", edits.status(405))),
        ("*", only(lambda request: request.method == "OPTIONS", BROKEN)),
        ("*", changed(edits.header("Allow", None))),
        ("*", changed(edits.header("Allow", "DELETE"))),
    ),
    "unknown_paths_and_methods_need_no_token": (
        ("*", renumbered(404, 401)),
        ("*", renumbered(405, 401)),
        ("*", renumbered(301, 401)),
    ),
    "a_slash_too_many_needs_a_token": (("*", renumbered(401, 301)),),
    "a_malformed_header_is_refused": (
        ("main", reworded(401)),
        ("main", forgiven(401)),
        ("main", renumbered(401, 500)),
    ),
    "a_malformed_user_is_refused_where_it_is_read": (
        ("main", reworded(401)),
        ("main", forgiven(401)),
    ),
    "a_header_without_an_organization_is_refused": (
        ("main", reworded(401)),
        ("main", to_main(refusal(401, "Malformed authentication token"), 401)),
        ("main", to_main(refusal(200, "ok"), 401)),
    ),
    "a_header_needs_nothing_but_the_organization": (
        ("main", only(lambda request: request.header("x-rh-identity") != PLAIN,
                      refusal(401, "Malformed authentication token"))),
    ),
    "the_organization_may_be_where_it_was_in_2020": (
        ("main", only(as_in_2020, refusal(401, "none"))),
    ),
    "an_empty_header_is_none": (
        ("main", reworded(401)),
        ("main", to_main(refusal(401, "Malformed authentication token"), 401)),
    ),
    IGNORED: (),
}  # fmt: skip
OF_TOKENS: dict[str, tuple[Mutant, ...]] = {
    "a_token_is_good_more_than_once": (("main", once),),
    "another_signature_is_refused": (
        ("main", reworded(401)),
        ("main", believing("." + other_first_letter(SIGNATURE))),
        ("main", lambda: unsigned),
    ),
    "changed_claims_are_refused": (("main", believing(TOKEN[-12:])), ("main", reworded(401))),
    "an_unsigned_token_is_refused": (
        ("main", believing(part({"alg": "none", "typ": "JWT"}))),
        ("main", believing(part({"alg": "NONE", "typ": "JWT"}))),
        ("main", reworded(401)),
    ),
    "what_is_no_token_is_refused": (
        ("main", believing("abc")),
        ("main", believing("Basic")),
        ("main", renumbered(401, 500)),
    ),
    "no_token_is_missing_whatever_the_identity_header_says": (
        ("main", to_main(refusal(401, "Malformed authentication token"), 401)),
        ("main", only(lambda request: request.header("x-rh-identity") == "abc", BROKEN)),
    ),
}


EVERY = [case for case in collected(authentication) if base(case) != IGNORED]
# test_legacy_2020.py has the others
OF_TODAY = [case for case in collected(tokens) if case.profiles != (REFERENCE_2020,)]
(OFF,) = (case for case in collected(authentication) if base(case) == IGNORED)


@pytest.fixture(scope="module")
def instance() -> Iterator[MockInstance]:
    """Give an instance that reads the identity header."""
    with small_instance(ServerConfig(debug=True, auth=True)) as found:
        yield found


@pytest.fixture(scope="module")
def open_instance() -> Iterator[MockInstance]:
    """Give an instance without authentication."""
    with small_instance() as found:
        yield found


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockInstance]:
    """Give an instance that verifies signed tokens."""
    file = Path(tmp_path_factory.mktemp("keys"), "public.pem")
    file.write_bytes(
        KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    server = ServerConfig(debug=True, auth=True, auth_type="jwt", jwt_key_file=str(file))
    with small_instance(server, Bearer(TOKEN, OWN)) as found:
        yield found


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_correct_instance_passes(case: BoundCase, instance: MockInstance) -> None:
    assert instance.outcome(case) == ("passed", "")


@pytest.mark.parametrize(("case", "operation", "make"), trials(authentication, MUTANTS))
def test_mutant_is_killed(
    case: BoundCase, operation: str, make: Make, instance: MockInstance
) -> None:
    assert instance.outcome(case, operation, make)[0] == "failed"


@pytest.mark.parametrize("case", OF_TODAY, ids=lambda case: case.id)
def test_correct_instance_with_tokens_passes(case: BoundCase, with_tokens: MockInstance) -> None:
    assert with_tokens.outcome(case) == ("passed", "")


@pytest.mark.parametrize(
    ("case", "operation", "make"), trials(tokens, {UNREADABLE: (), **OF_TOKENS})
)
def test_mutant_of_tokens_is_killed(
    case: BoundCase, operation: str, make: Make, with_tokens: MockInstance
) -> None:
    assert with_tokens.outcome(case, operation, make)[0] == "failed"


def test_without_authentication_the_header_must_not_matter(open_instance: MockInstance) -> None:
    assert open_instance.outcome(OFF) == ("passed", "")
    peeking = only(lambda request: request.header("x-rh-identity"), refusal(401, "Malformed"))
    assert open_instance.outcome(OFF, "clusters", peeking)[0] == "failed"


@pytest.mark.parametrize("case", [*EVERY, *collected(tokens)], ids=lambda case: case.id)
def test_without_authentication_cases_are_skipped(
    case: BoundCase, open_instance: MockInstance
) -> None:
    assert open_instance.outcome(case)[0] == "skipped"
