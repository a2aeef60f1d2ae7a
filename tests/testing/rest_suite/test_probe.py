"""What is found out about an instance, and what is said when it cannot be tested."""

from __future__ import annotations

import base64
import json

import pytest
import requests
import responses

from testing.rest_suite.case import DEPARTURES, REFERENCE_2020, REFERENCE_2026
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.credentials import (
    Bearer,
    IdentityHeader,
    Nobody,
    organization_of,
)
from testing.rest_suite.probe import (
    NOBODYS_CLUSTER,
    InstanceInfo,
    Unreachable,
    UsageError,
    probe,
    split_url,
)

from .canned_instance import (
    API,
    DONE,
    INFO,
    URL,
    answer,
)

NOT_FOUND = "404 page not found\n"


def ask(credentials: Nobody | IdentityHeader | None = None, **changes: str) -> InstanceInfo:
    """Return what is found out about the instance."""
    return probe(Client(Connection(URL)), credentials or Nobody(), **changes)  # type: ignore[arg-type]


@responses.activate
def test_the_reference_runs_the_handler_for_options() -> None:
    answer("", DONE)
    answer("info", INFO)
    answer("info", INFO, method="OPTIONS")
    answer("organizations", {"organizations": [], "status": "ok"})
    assert ask() == InstanceInfo(profile=REFERENCE_2026, version="1 abc")


@responses.activate
def test_the_departures_say_what_they_allow() -> None:
    answer("", DONE)
    answer("info", INFO)
    answer("info", "", method="OPTIONS", headers={"Allow": "GET, OPTIONS"})
    answer("organizations", NOT_FOUND, status=404)
    assert ask() == InstanceInfo(profile=DEPARTURES, version="1 abc", debug=False)


@responses.activate
def test_the_departures_are_told_behind_a_proxy_that_answers_options() -> None:
    answer("", DONE)
    answer("info", INFO, headers={"ETag": '"1"'})
    answer("info", "", status=204, method="OPTIONS")
    answer("organizations", NOT_FOUND, status=404)
    assert ask().profile == DEPARTURES


@responses.activate
def test_the_service_of_2020_has_no_info_and_another_prefix() -> None:
    answer("", NOT_FOUND, status=404)
    answer(f"{URL}/api/v1/", DONE)
    answer(f"{URL}/api/v1/info", NOT_FOUND, status=404)
    answer(f"{URL}/api/v1/organizations", {"organizations": [], "status": "ok"})
    assert ask() == InstanceInfo(prefix="/api/v1/", profile=REFERENCE_2020)


@responses.activate
def test_what_is_given_is_not_asked_for() -> None:
    answer(f"{URL}/here/", DONE)
    answer(f"{URL}/here/info", INFO)
    answer(f"{URL}/here/organizations", {"organizations": [], "status": "ok"})
    found = ask(prefix="here", profile=REFERENCE_2026)
    assert (found.prefix, found.profile) == ("/here/", REFERENCE_2026)


def with_authentication(*, strict: bool) -> None:
    """Let an instance demand a token, and refuse other organizations or not."""

    def asked(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if "x-rh-identity" not in request.headers:
            return 401, {}, '{"status":"Missing auth token"}'
        if str(request.url).endswith("report/info"):
            return 403 if strict else 404, {}, '{"status":"no"}'
        return 200, {}, json.dumps(INFO)

    paths = ("", "info", "organizations")
    report = f"organizations/1/clusters/{NOBODYS_CLUSTER}/users/0/report/info"
    for path in (*paths, report):
        responses.add_callback("GET", API + path, asked)
    responses.add_callback("OPTIONS", API + "info", asked)


@responses.activate
@pytest.mark.parametrize("strict", [True, False])
def test_authentication_is_noticed_and_how_strict_it_is(strict: bool) -> None:
    with_authentication(strict=strict)
    found = ask(IdentityHeader(101))
    assert (found.authenticated, found.strict) == (True, strict)


@responses.activate
def test_an_instance_that_wants_a_token_says_so() -> None:
    with_authentication(strict=True)
    with pytest.raises(UsageError, match=r"answers 401 .*give --auth"):
        ask()


@responses.activate
@pytest.mark.parametrize("header", [True, False])
def test_the_service_of_2020_asks_who_it_is_with_another_status(header: bool) -> None:
    """It reads the organization at identity.internal, and refuses with 403."""

    def asked(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        text = base64.b64decode(str(request.headers.get("x-rh-identity", ""))) or b"{}"
        inner = json.loads(text).get("identity", {}).get("internal", {})
        if inner.get("org_id") != "101":
            return 403, {}, '{"status":"Missing auth token"}'
        return 200, {}, '{"status":"ok"}'

    answer("", NOT_FOUND, status=404)
    for path in ("", "organizations"):
        responses.add_callback("GET", f"{URL}/api/v1/{path}", asked)
    for path in ("info", f"organizations/1/clusters/{NOBODYS_CLUSTER}/users/0/report/info"):
        answer(f"{URL}/api/v1/{path}", NOT_FOUND, status=404)
    if header:
        found = ask(IdentityHeader(101))
        assert found == InstanceInfo(prefix="/api/v1/", profile=REFERENCE_2020, authenticated=True)
    else:
        with pytest.raises(UsageError, match=r"answers 403 .*give --auth"):
            ask()


@responses.activate
def test_a_server_without_the_api_is_not_an_instance() -> None:
    for prefix in ("/api/insights-results-aggregator/v1/", "/api/v1/", "/"):
        answer(URL + prefix, "<html>welcome</html>")
    with pytest.raises(Unreachable, match="no instance of this API"):
        ask()


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h:1", ("http://h:1", None)),
        ("https://h/", ("https://h", None)),
        ("h:1", ("http://h:1", None)),
        ("https://h/api/x", ("https://h", "/api/x/")),
    ],
)
def test_the_path_of_a_url_is_the_prefix(url: str, parts: tuple[str, str | None]) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize("url", ["", "ftp://h", "http://", "http:///x"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--url"):
        split_url(url)


def token(claims: object) -> str:
    """Return a JWT without a signature that would count."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.x"


STANDARD = json.dumps({"account_number": "???>>>~~~", "org_id": "1234"}).encode()
assert b"/" in base64.b64encode(STANDARD)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (token({"identity": {"org_id": "101"}}), 101),
        (token({"identity": {"internal": {"org_id": "7"}}}), 7),
        (token({"account_number": "5213476", "org_id": "1234"}), 1234),
        (token({"identity": None, "org_id": "1234"}), 1234),
        # in the standard alphabet of base64 and with padding, as issued in 2020
        (f"e30.{base64.b64encode(STANDARD).decode()}.x", 1234),
        (token({"identity": {}}), None),
        (token([]), None),
        ("nonsense", None),
        ("a.b.c", None),
    ],
)
def test_the_organization_of_a_token_is_read(text: str, number: int | None) -> None:
    assert organization_of(text) == number


def test_an_identity_is_made_for_any_organization_unless_one_is_given() -> None:
    asker = IdentityHeader(account="1", user="ann")
    identity = json.loads(base64.b64decode(asker.headers(7)["x-rh-identity"]))["identity"]
    assert (identity["org_id"], identity["account_number"]) == ("7", "1")
    assert IdentityHeader(8).headers(7) == IdentityHeader(8).headers(None)
    assert Bearer("abc").headers(7) == {"Authorization": "Bearer abc"}
