"""Who may ask at all: identity header and bearer token (contract rest-api 1.5)."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    READ,
    WRITE,
    deletes,
    each,
    profiles,
    writes,
)
from ..checks import check, equal, skip
from ..client import Exchange
from ..contract import OPERATIONS
from ..credentials import IDENTITY_HEADER, encoded
from ..data import Data

NO_ORGANIZATION = (
    "error retrieving requester org_id from token. "
    "account_number [{}], user data [{{Username:{} Email:{} UserID:{}}}]"
)
OPEN = ("metrics", "openapi")
READS = tuple(
    operation.name
    for operation in OPERATIONS.values()
    if operation.kind == READ and operation.name not in OPEN
)
WRITES = tuple(operation.name for operation in OPERATIONS.values() if operation.kind == WRITE)
DELETES = ("delete_organizations", "delete_clusters")
ANSWERING_OPTIONS = tuple(
    operation.name
    for operation in OPERATIONS.values()
    if operation.kind == READ and operation.options
)
USER = {"username": "ann", "email": "ann@example.com", "user_id": "7"}
WHO = ("54321", "ann", "ann@example.com", "7")


def identity(**changes: object) -> dict[str, Any]:
    """Return the document of an identity header of organization 1, with changes.

    The organization is in both places, that of 2020 and that of today.
    """
    inner = {"account_number": "54321", "org_id": "1", "type": "User", "user": USER, **changes}
    return {"identity": {**inner, "internal": {"org_id": inner["org_id"]}}}


def without_organization() -> dict[str, Any]:
    """Return an identity that names no organization."""
    return {"identity": {"account_number": "54321", "user": USER}}


def raw(text: str) -> str:
    """Return the base64 of a text."""
    return base64.b64encode(text.encode()).decode()


MALFORMED_HEADERS = {
    "no base64": "not base64!",
    "without its padding": encoded(identity(account_number="1")).rstrip("=")[:-3],
    "of the alphabet for URLs": encoded(identity()).replace("e", "-", 1),
    "of no JSON": raw("hello"),
    "of JSON cut short": raw('{"identity":{"org_id":"1"'),
    "with something behind": raw(json.dumps(identity()) + " {}"),
    "a list": encoded([identity()]),
    "a text": encoded("1"),
    "an identity that is a list": encoded({"identity": ["1"]}),
    "an organization as number": encoded(identity(org_id=1)),
    "an organization as list": encoded(identity(org_id=["1"])),
    "an organization that is no number": encoded(identity(org_id="abc")),
    "an organization below 0": encoded(identity(org_id="-1")),
    "an empty organization": encoded(identity(org_id="")),
    "an organization beyond 32 bits": encoded(identity(org_id="4294967296")),
    "an account as number": encoded(identity(account_number=54321)),
}
MALFORMED_USERS = {
    "a user as text": encoded(identity(user="ann")),
    "a user id as number": encoded(identity(user={"user_id": 7})),
}
NOBODYS_HEADERS = {
    "nothing": (encoded({}), ("", "", "", "")),
    "null": (encoded(None), ("", "", "", "")),
    "an empty identity": (encoded({"identity": {}}), ("", "", "", "")),
    "no organization": (encoded(without_organization()), WHO),
    "null as organization": (encoded(identity(org_id=None)), WHO),
    "organization 0": (encoded(identity(org_id="0")), WHO),
}
GOOD_HEADERS = {
    "the least": encoded({"identity": {"org_id": "1"}}),
    "more than is known": encoded({**identity(more={"a": [1]}), "entitlements": {}}),
    "names in capitals": encoded({"IDENTITY": {"ORG_ID": "1", "User": {"USER_ID": "7"}}}),
    "the largest organization": encoded(identity(org_id="4294967295")),
    "null for the user": encoded(identity(user=None, account_number=None)),
}


def authenticated(api: Api) -> None:
    """Skip the case where nobody is asked who he is."""
    if not api.instance.authenticated:
        skip("authentication is off")


def sent_as(api: Api, header: str) -> Exchange:
    """Return the answer of the main endpoint to an identity header."""
    return api.call("main", headers={IDENTITY_HEADER: header}, anonymous=True)


def takes_identity_header(api: Api) -> bool:
    """Say whether the instance believes the identity header, and not only signed tokens."""
    return sent_as(api, encoded(identity())).status == 200


def missing_text(api: Api) -> str:
    """Return what a request without a token is told."""
    behaviour = api.instance.behaviour
    return behaviour.missing_token if takes_identity_header(api) else behaviour.missing_bearer


def with_identity_header(api: Api) -> None:
    """Skip the case where the identity header means nothing."""
    authenticated(api)
    if not takes_identity_header(api):
        skip("the instance wants a signed token")


def made_up(data: Data) -> dict[str, Any]:
    """Return parameters for any operation, about things that do not exist."""
    cluster, number = data.unknown_cluster(), data.unknown_organization()
    rule = data.rule()
    return {
        **rule,
        "cluster": cluster,
        "clusters": cluster,
        "cluster_list": cluster,
        "namespace": "rest-suite",
        "org_id": number,
        "organization": number,
        "organizations": number,
        "rule_selector": data.selector(),
        "user_id": data.user(),
    }


def demand_token(api: Api, data: Data, operation: str) -> None:
    """Demand that an operation refuses those who do not say who they are."""
    authenticated(api)
    params = made_up(data)
    status, text = api.instance.behaviour.unauthorized, missing_text(api)
    api.refused(status, operation, text, **params, anonymous=True)
    # it comes before everything else that could be refused
    improper = {**params, "org_id": "abc", "organization": "abc", "cluster": "abc"}
    api.refused(status, operation, text, **improper, anonymous=True, body=b"hello")


@each(*READS)
def test_reading_needs_a_token(api: Api, data: Data, operation: str) -> None:
    demand_token(api, data, operation)


@writes
@each(*WRITES)
def test_writing_needs_a_token(api: Api, data: Data, operation: str) -> None:
    demand_token(api, data, operation)


@deletes
@each(*DELETES)
def test_deleting_needs_a_token(api: Api, data: Data, operation: str) -> None:
    demand_token(api, data, operation)


@each(*OPEN)
def test_what_scrapers_read_needs_no_token(api: Api, data: Data, operation: str) -> None:
    authenticated(api)
    plain = api.ok(operation, anonymous=True)
    path = OPERATIONS[operation].path
    exchange = api.raw("GET", f"{path}?", anonymous=True)
    equal(exchange.status, 200, exchange.place)
    if operation == "openapi":
        equal(exchange.json, plain, "the description of the API with a ? behind its path")


@profiles(*CURRENT)
@each(*OPEN)
def test_with_a_query_a_token_is_needed(api: Api, data: Data, operation: str) -> None:
    authenticated(api)
    exchange = api.raw("GET", f"{OPERATIONS[operation].path}?x=1", anonymous=True)
    refused_as(api, exchange, missing_text(api), "nothing in it")


def demand_allowed(exchange: Exchange, operation: str) -> None:
    """Demand that the answer to OPTIONS names the operation's method, and that one only."""
    allowed = exchange.headers.get("allow", "").replace(" ", "").split(",")
    wanted = sorted({OPERATIONS[operation].method, "OPTIONS"})
    equal(sorted(allowed), wanted, f"{exchange.place}: Allow")


@profiles(*CURRENT)
@each(*ANSWERING_OPTIONS)
def test_options_need_no_token(api: Api, data: Data, operation: str) -> None:
    authenticated(api)
    exchange = api.call(operation, **made_up(data), method="OPTIONS", anonymous=True)
    check(exchange.status not in (401, 403, 405), f"{exchange.place} without a token")
    if api.instance.profile == DEPARTURES:
        equal(exchange.status, 200, exchange.place)
        demand_allowed(exchange, operation)


@profiles(*CURRENT)
def test_unknown_paths_and_methods_need_no_token(api: Api, data: Data) -> None:
    authenticated(api)
    for method, path, status in (
        ("GET", "no-such-path", 404),
        ("GET", "organizations/1/no-such-path", 404),
        ("PUT", "info", 405),
        ("POST", "organizations/1/clusters", 405),
        ("GET", "organizations//1/clusters", 301),
    ):
        exchange = api.raw(method, path, anonymous=True)
        equal(exchange.status, status, exchange.place)


@profiles(*CURRENT)
def test_a_slash_too_many_needs_a_token(api: Api, data: Data) -> None:
    authenticated(api)
    exchange = api.raw("GET", "info/", anonymous=True)
    equal(exchange.status, 401, exchange.place)


@each(*MALFORMED_HEADERS)
def test_a_malformed_header_is_refused(api: Api, data: Data, what: str) -> None:
    with_identity_header(api)
    exchange = sent_as(api, MALFORMED_HEADERS[what])
    refused_as(api, exchange, api.instance.behaviour.malformed_token, what)


@each(*MALFORMED_USERS)
def test_a_malformed_user_is_refused_where_it_is_read(api: Api, data: Data, what: str) -> None:
    with_identity_header(api)
    exchange = sent_as(api, MALFORMED_USERS[what])
    if api.instance.behaviour.user_read:
        refused_as(api, exchange, api.instance.behaviour.malformed_token, what)
    else:
        equal(exchange.status, 200, f"{exchange.place} for a header with {what}")


@each(*NOBODYS_HEADERS)
def test_a_header_without_an_organization_is_refused(api: Api, data: Data, what: str) -> None:
    with_identity_header(api)
    header, who = NOBODYS_HEADERS[what]
    exchange = sent_as(api, header)
    if api.instance.behaviour.organization_demanded:
        refused_as(api, exchange, NO_ORGANIZATION.format(*who), what)
        return
    # it speaks for organization 0, which has nothing
    equal(exchange.status, 200, f"{exchange.place} for a header with {what}")
    number = data.unknown_organization()
    headers = {IDENTITY_HEADER: header}
    exchange = api.call("clusters", organization=number, headers=headers, anonymous=True)
    equal(exchange.status, 403, f"{exchange.place} for a header with {what}")


def refused_as(api: Api, exchange: Exchange, text: str, what: str) -> None:
    """Demand the refusal of those who do not say who they are, with a text."""
    status = api.instance.behaviour.unauthorized
    equal(exchange.status, status, f"{exchange.place} for a header with {what}")
    equal(exchange.json, {"status": text}, f"{exchange.place} for a header with {what}")


@each(*GOOD_HEADERS)
def test_a_header_needs_nothing_but_the_organization(api: Api, data: Data, what: str) -> None:
    with_identity_header(api)
    exchange = sent_as(api, GOOD_HEADERS[what])
    equal(exchange.status, 200, f"{exchange.place} for a header with {what}")


@profiles(DEPARTURES)
def test_the_organization_may_be_where_it_was_in_2020(api: Api, data: Data) -> None:
    with_identity_header(api)
    inner = {"account_number": "54321", "user": USER, "internal": {"org_id": "1"}}
    exchange = sent_as(api, encoded({"identity": inner}))
    equal(exchange.status, 200, f"{exchange.place} for a header with internal.org_id only")


def test_an_empty_header_is_none(api: Api, data: Data) -> None:
    with_identity_header(api)
    refused_as(api, sent_as(api, ""), api.instance.behaviour.missing_token, "nothing in it")


def test_where_nobody_is_asked_the_header_is_ignored(api: Api, data: Data) -> None:
    if api.instance.authenticated:
        skip("authentication is on")
    number = data.organization().org_id
    plain = api.ok("clusters", organization=number)
    for what, header in {**MALFORMED_HEADERS, **GOOD_HEADERS}.items():
        found = api.ok("clusters", organization=number, headers={IDENTITY_HEADER: header})
        equal(found, plain, f"clusters of {number} for a header with {what}")
