"""Paths, methods and headers: what is the same for all operations (contract rest-api 1.2, 1.3)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    REFERENCE_2020,
    each,
    profiles,
    writes,
)
from ..checks import check, equal, skip
from ..client import Exchange
from ..contract import OPERATIONS, Operation
from ..data import Data, Hit
from .recommendations import unordered

NOBODY = "00000000-0000-4000-8000-000000000000"
# enough for any path; nothing is ever written with them
VALUES: dict[str, Any] = {
    "organization": 1, "organizations": "1", "org_id": 1, "cluster": NOBODY, "clusters": NOBODY,
    "cluster_list": NOBODY, "user_id": "rest-suite", "rule_id": "rest.suite|KEY",
    "error_key": "KEY", "rule_selector": "rest.suite|KEY", "namespace": NOBODY,
}  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
NOT_FOUND = "404 page not found\n"
_PARAMETER = re.compile(r"\{\w+\}")
CURRENT_OPERATIONS = tuple(
    name for name, operation in OPERATIONS.items() if operation.profiles != (REFERENCE_2020,)
)
READ_BY_GET = (
    "main", "info", "openapi", "clusters", "report", "report_info", "rule", "reports",
    "disabled", "acks", "workloads",
)  # fmt: skip
UNKNOWN = (
    "no-such-path", "organizations/1/no-such-path", "Info", "ORGANIZATIONS/1/clusters",
    "info/more", "organizations/1/clusters/more", "rules", "clusters",
)  # fmt: skip
# what was asked for, and where it is
MOVED = {
    "info/": "info",
    "./info": "info",
    "x/../info": "info",
    "organizations/1/clusters/": "organizations/1/clusters",
    "organizations//1/clusters": "organizations/1/clusters",
    "rules/a.b/error_key/K/organizations/1": "rules/a.b/error_key/K/organizations/1/",
}
# bytes; what is shorter fits into one packet as it is


def there(api: Api, name: str) -> Operation:
    """Return the operation; skip the case where the instance has it not."""
    operation = OPERATIONS[name]
    for profile in api.profiles:
        if profile not in operation.profiles:
            skip(f"{name} does not exist in profile {profile}")
    if operation.debug and not api.instance.debug:
        skip(f"{name} exists with debug = true only")
    return operation


def methods_of(path: str) -> set[str]:
    """Return the methods of all operations that have this path, whatever its parameters' names."""
    shape = _PARAMETER.sub("{}", path)
    return {
        one.method for one in OPERATIONS.values() if _PARAMETER.sub("{}", one.path) == shape
    } | {"OPTIONS"}


def parameters(hit: Hit) -> dict[str, Any]:
    """Return values for any of READ_BY_GET that find something."""
    return {
        **hit.params,
        "organization": hit.org_id,
        "rule_id": hit.rule_and_key,
        "cluster_list": hit.cluster,
        "user_id": "rest-suite",
    }


def plain(exchange: Exchange, status: int, text: str) -> None:
    """Fail the case unless this is the answer, which is not JSON."""
    equal(exchange.status, status, exchange.place)
    equal(exchange.text, text, f"{exchange.place}: body")


def leads_to(exchange: Exchange, wanted: str) -> None:
    """Fail the case unless a redirect leads to a path of the same instance."""
    location = exchange.headers.get("location", "")
    place = urlsplit(location)
    here = place.netloc in ("", urlsplit(exchange.url).netloc) and place.path.endswith(wanted)
    check(here, f"{exchange.place}: Location is {location!r}, not {wanted!r}")


@profiles(*CURRENT)
@each(*UNKNOWN)
def test_an_unknown_path_is_not_found(api: Api, data: Data, path: str) -> None:
    exchange = api.raw("GET", path)
    plain(exchange, 404, NOT_FOUND)
    kind = exchange.headers.get("content-type")
    equal(kind, "text/plain; charset=utf-8", f"{exchange.place}: Content-Type")
    told = exchange.headers.get("x-content-type-options")
    equal(told, "nosniff", f"{exchange.place}: X-Content-Type-Options")


@profiles(*CURRENT)
@each(*CURRENT_OPERATIONS)
def test_other_methods_are_not_allowed(api: Api, data: Data, name: str) -> None:
    operation = there(api, name)
    target = operation.target(VALUES)
    for method in METHODS:
        if method not in methods_of(operation.path):
            plain(api.raw(method, target), 405, "")


@profiles(DEPARTURES)
@each(*CURRENT_OPERATIONS)
def test_options_tell_the_methods(api: Api, data: Data, name: str) -> None:
    operation = there(api, name)
    exchange = api.raw("OPTIONS", operation.target(VALUES), anonymous=True)
    if not operation.options:
        plain(exchange, 405, "")
        return
    plain(exchange, 200, "")
    allowed = exchange.headers.get("allow", "").split(", ")
    check(operation.method in allowed, f"{exchange.place}: Allow is {allowed}")


@profiles(*CURRENT)
@each(*MOVED)
def test_another_form_of_a_path_is_redirected(api: Api, data: Data, path: str) -> None:
    exchange = api.raw("GET", path)
    equal(exchange.status, 301, exchange.place)
    leads_to(exchange, api.instance.prefix + MOVED[path])


@profiles(*CURRENT)
def test_the_prefix_without_its_slash_is_redirected(api: Api, data: Data) -> None:
    if api.instance.prefix == "/":
        skip("there is no prefix")
    exchange = api.raw("GET", api.instance.prefix.rstrip("/"))
    equal(exchange.status, 301, exchange.place)
    leads_to(exchange, api.instance.prefix)


@profiles(*CURRENT)
def test_a_bar_may_be_encoded(api: Api, data: Data) -> None:
    hit = data.hit()
    path = f"organizations/{hit.org_id}/clusters/{hit.cluster}/users/rest-suite/rules/"
    raw, encoded = (
        api.raw("GET", f"{path}{hit.rule_id}{bar}{hit.error_key}", as_organization=hit.org_id)
        for bar in ("|", "%7C")
    )
    equal(raw.status, 200, raw.place)
    equal(encoded.json, raw.json, f"{encoded.place} beside the one with a bar")


@profiles(*CURRENT)
def test_an_encoded_slash_splits_a_parameter(api: Api, data: Data) -> None:
    number = data.organization().org_id
    exchange = api.raw("GET", f"organizations/{number}/clusters/a%2Fb/users/u/report")
    plain(exchange, 404, NOT_FOUND)


def test_a_query_changes_nothing(api: Api, data: Data) -> None:
    number = data.organization().org_id
    wanted = api.ok("clusters", organization=number)
    path = f"organizations/{number}/clusters?limit=1&org_id=2"
    exchange = api.raw("GET", path, as_organization=number)
    equal(exchange.status, 200, exchange.place)
    equal(exchange.json, wanted, f"{exchange.place}: answer")


def test_what_a_client_accepts_changes_nothing(api: Api, data: Data) -> None:
    number = data.organization().org_id
    wanted = api.ok("clusters", organization=number)
    found = api.ok("clusters", organization=number, headers={"Accept": "text/html"})
    equal(found, wanted, "clusters for a client that accepts text/html")


@profiles(*CURRENT)
def test_the_type_of_a_body_changes_nothing(api: Api, data: Data) -> None:
    cluster = data.cluster()
    call = {"org_id": cluster.org_id, "user_id": "rest-suite", "body": [cluster.name]}
    wanted = api.ok("cluster_recommendations", **call)
    found = api.ok("cluster_recommendations", **call, headers={"Content-Type": "text/plain"})
    what = "recommendations of a cluster asked for with text/plain"
    equal(unordered(found), unordered(wanted), what)


@profiles(*CURRENT)
@each(*READ_BY_GET)
def test_answers_have_a_length(api: Api, data: Data, name: str) -> None:
    exchange = api.call(name, **parameters(data.hit()), headers={"Accept-Encoding": "identity"})
    equal(exchange.status, 200, exchange.place)
    length = exchange.headers.get("content-length") or str(len(exchange.body))
    equal(length, str(len(exchange.body)), f"{exchange.place}: Content-Length")
    # the reports of a list are written by another hand
    if name not in ("openapi", "reports"):
        check(exchange.body.endswith(b"}\n"), f"{exchange.place}: no line feed at the end")


@profiles(DEPARTURES)
@each(*READ_BY_GET)
def test_what_a_client_has_is_not_sent_again(api: Api, data: Data, name: str) -> None:
    values = parameters(data.hit())
    for _ in range(5):
        first = api.call(name, **values)
        tag = first.headers.get("etag", "")
        check(tag, f"{name}: no ETag")
        exchange = api.call(name, **values, headers={"If-None-Match": tag})
        if exchange.status == 304:
            break
        # the instance takes messages in meanwhile
        check(exchange.headers.get("etag") != tag, f"{exchange.place}: has the tag and no 304")
        check(exchange.body != first.body, f"{exchange.place}: the same, and no 304")
    else:
        skip("what is compared changes all the time")
    equal(exchange.body, b"", f"{exchange.place}: body")
    equal(exchange.headers.get("etag"), tag, f"{exchange.place}: ETag")
    other = api.call(name, **values, headers={"If-None-Match": '"another"'})
    equal(other.status, 200, f"{other.place} for another tag")


@profiles(DEPARTURES)
def test_answers_are_compressed_only_for_clients_that_accept_it(api: Api, data: Data) -> None:
    plain = api.call("openapi", headers={"Accept-Encoding": "identity"})
    equal(plain.headers.get("content-encoding"), None, f"{plain.place}: Content-Encoding")
    accepting = api.call("openapi", headers={"Accept-Encoding": "gzip"})
    encoding = accepting.headers.get("content-encoding")
    check(encoding in (None, "gzip"), f"{accepting.place}: Content-Encoding is {encoding!r}")
    if encoding:
        varies = accepting.headers.get("vary", "").lower()
        check("accept-encoding" in varies, f"{accepting.place}: Vary is {varies!r}")
    equal(accepting.json, plain.json, f"{accepting.place}: answer, compressed and plain")


@profiles(DEPARTURES)
@each(*READ_BY_GET, "metrics")
def test_browsers_do_not_guess_the_type(api: Api, data: Data, name: str) -> None:
    exchange = api.call(name, **parameters(data.hit()))
    told = exchange.headers.get("x-content-type-options")
    equal(told, "nosniff", f"{exchange.place}: X-Content-Type-Options")


@writes
@profiles(DEPARTURES)
@each("report", "acks", "disabled")
def test_what_has_changed_is_sent_again(api: Api, data: Data, name: str) -> None:
    hit, user, rule = data.own_hit(), data.user(), data.rule()
    values = {**parameters(hit), "user_id": user}
    before = api.call(name, **values)
    api.ok("like", **hit.params, user_id=user)
    api.ok("ack_disable", **rule, org_id=hit.org_id, body={"justification": "new"})
    api.ok("disable", **hit.params)
    tag = before.headers.get("etag", "")
    after = api.call(name, **values, headers={"If-None-Match": tag})
    equal(after.status, 200, f"{after.place} for what it was before")
    check(after.body != before.body, f"{after.place}: still what it was before")
    check(after.headers.get("etag") != tag, f"{after.place}: ETag is still {tag}")
