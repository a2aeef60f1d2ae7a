"""JWTs: only a valid signature is accepted (contract rest-api 1.5, departure 24)."""

from __future__ import annotations

import base64
import json

from ..api import Api
from ..case import LEGACY, REFERENCE_2020, profiles
from ..checks import check, equal, skip
from ..credentials import IDENTITY_HEADER, encoded
from ..data import Data
from .authentication import (
    authenticated,
    identity,
    missing_text,
    refused_as,
    takes_identity_header,
)


def own_token(api: Api) -> str:
    """Return the token of this run; skip the case where there is none."""
    authenticated(api)
    api.ok("main")
    header = str(api.exchanges[-1].request_headers.get("Authorization", ""))
    if not header.startswith("Bearer ") or takes_identity_header(api):
        skip("the run has no signed token: --auth jwt")
    return header.removeprefix("Bearer ")


def part(document: object) -> str:
    """Return a document as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def other_first_letter(text: str) -> str:
    """Return a text that begins with another letter."""
    return ("B" if text[:1] == "A" else "A") + text[1:]


def demand_refusal(api: Api, header: str, what: str, text: str = "") -> None:
    """Demand that this does not do as `Authorization`."""
    exchange = api.call("main", headers={"Authorization": header}, anonymous=True)
    refused_as(api, exchange, text or api.instance.behaviour.malformed_token, what)


def signed_token(api: Api) -> str:
    """Return the token of this run; skip the case where signatures are not looked at."""
    token = own_token(api)
    if not api.instance.behaviour.signatures_verified:
        skip(f"the service of {api.instance.profile} does not verify signatures")
    return token


@profiles(*LEGACY)
def test_a_token_is_good_more_than_once(api: Api, data: Data) -> None:
    token = own_token(api)
    for header in (f"Bearer {token}", f"Bearer {token}"):
        exchange = api.call("main", headers={"Authorization": header}, anonymous=True)
        equal(exchange.status, 200, f"{exchange.place} for the token of the run")


@profiles(*LEGACY)
def test_another_signature_is_refused(api: Api, data: Data) -> None:
    head, claims, signature = signed_token(api).split(".")
    demand_refusal(api, f"Bearer {head}.{claims}.{other_first_letter(signature)}", "a changed one")
    demand_refusal(api, f"Bearer {head}.{claims}.", "no signature")
    demand_refusal(api, f"Bearer {head}.{claims}", "two parts")


@profiles(*LEGACY)
def test_changed_claims_are_refused(api: Api, data: Data) -> None:
    head, _, signature = signed_token(api).split(".")
    for number in ("1", "2", "101"):
        claims = part(identity(org_id=number))
        demand_refusal(api, f"Bearer {head}.{claims}.{signature}", f"organization {number} put in")


@profiles(*LEGACY)
def test_an_unsigned_token_is_refused(api: Api, data: Data) -> None:
    claims = signed_token(api).split(".")[1]
    for name in ("none", "None", "NONE"):
        head = part({"alg": name, "typ": "JWT"})
        demand_refusal(api, f"Bearer {head}.{claims}.", f"the algorithm {name}")


@profiles(*LEGACY)
def test_what_is_no_token_is_refused(api: Api, data: Data) -> None:
    token = signed_token(api)
    for header in ("Bearer abc", "Bearer a.b.c", f"Basic {token}", token, f"Bearer x{token}"):
        demand_refusal(api, header, f"{header[:12]}...")


@profiles(REFERENCE_2020)
def test_claims_that_cannot_be_read_are_refused(api: Api, data: Data) -> None:
    token = own_token(api)
    claims = (part([]), part({"org_id": 1234}), part({"org_id": "abc"}), part({"org_id": "-1"}))
    for one in ("b", *claims):
        demand_refusal(api, f"Bearer a.{one}.c", f"the claims {one}")
    missing = api.instance.behaviour.missing_bearer
    for header in ("Bearer", token, f"Bearer {token} more"):
        demand_refusal(api, header, f"{header[:12]}...", missing)


@profiles(*LEGACY)
def test_no_token_is_missing_whatever_the_identity_header_says(api: Api, data: Data) -> None:
    token = own_token(api)
    for header in (encoded(identity()), token):
        exchange = api.call("main", headers={IDENTITY_HEADER: header}, anonymous=True)
        refused_as(api, exchange, missing_text(api), "an identity header only")
    exchange = api.call("main", headers={IDENTITY_HEADER: "abc"})
    check(exchange.status == 200, f"{exchange.place} for a token beside an identity header")
