"""Recommendations of several clusters, by recommendation and by cluster (contract rest-api 3.6)."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..api import Api
from ..case import DEPARTURES, each, profiles
from ..checks import (
    ascending,
    check,
    equal,
    skip,
)
from ..data import Cluster, Data
from .authentication import demand_allowed
from .parameters import (
    BAD_TYPE,
    BLANK,
    NO_BODY,
    NO_USER,
    improper_organizations,
)
from .retry import (
    reports_of,
    retry_until_stable,
    second,
    selectors_of,
)

LISTS = ("recommendations", "cluster_recommendations")
MEMBER = {"recommendations": "recommendations", "cluster_recommendations": "clusters"}
LOOKED_AT = 12
WRONG_TYPES: tuple[object, ...] = ({"clusters": []}, "abc", 1, True, [1], [["x"]], [{}])
NO_JSON = (b"hello", b"{]", b"[,]", b"'x'")
CUT_SHORT = (b'["abc', b"[", b'{"a":')
NAMES_OF_NOTHING = ("abc", "", "it's", "x') OR (1=1) --", "%", "x" * 300, "ü")


def asked(api: Api, operation: str, org_id: object, body: object, **more: Any) -> Any:
    """Return what a list has for some clusters."""
    answer = api.ok(operation, org_id=org_id, user_id="rest-suite", body=body, **more)
    return answer[MEMBER[operation]]


def chosen(data: Data, least: int = 1) -> list[Cluster]:
    """Return a few clusters of one organization, those with hits own."""
    return sorted(data.clusters(least), key=lambda cluster: not cluster.hits)[:LOOKED_AT]


def unordered(found: Any) -> Any:
    """Return a list with its names in one order, as only the departures promise it."""
    if isinstance(found, list):
        return sorted(found)
    if isinstance(found, dict):
        return {key: unordered(value) for key, value in found.items()}
    return found


def by_rule(reports: dict[str, Any]) -> dict[str, list[str]]:
    """Return what reports say, as the list by recommendation has it."""
    found: dict[str, list[str]] = {}
    for name in sorted(reports):
        for selector in selectors_of(reports[name]):
            found.setdefault(selector, []).append(name)
    return found


def test_the_list_by_cluster_is_what_the_reports_say(api: Api, data: Data) -> None:
    clusters = chosen(data)
    number, names = clusters[0].org_id, [cluster.name for cluster in clusters]

    def compare(reports: dict[str, Any]) -> None:
        found = asked(api, "cluster_recommendations", number, names)
        equal(sorted(found), sorted(names), f"clusters with a report in {number}")
        for name, report in reports.items():
            entry = found[name]
            equal(sorted(entry["recommendations"]), selectors_of(report), f"hits of {name}")
            checked = report["meta"]["last_checked_at"]
            equal(second(entry["created_at"]), checked, f"created_at of {name}")

    retry_until_stable(lambda: reports_of(api, clusters), compare)


def test_the_list_by_recommendation_is_what_the_reports_say(api: Api, data: Data) -> None:
    clusters = chosen(data)
    number, names = clusters[0].org_id, [cluster.name for cluster in clusters]

    def compare(reports: dict[str, Any]) -> None:
        found = unordered(asked(api, "recommendations", number, names))
        equal(found, by_rule(reports), f"clusters of {number} by recommendation")

    retry_until_stable(lambda: reports_of(api, clusters), compare)


def test_each_known_cluster_has_its_recommendations(api: Api, data: Data) -> None:
    if not data.inventory.certain:
        skip("the clusters are known from the instance itself")
    for organization in data.organizations():
        names = [cluster.name for cluster in organization.clusters]
        found = asked(api, "cluster_recommendations", organization.org_id, names)
        for cluster in organization.clusters:
            wanted = sorted(hit.selector for hit in cluster.hits)
            check(cluster.name in found, f"{cluster.name} has a report and is not in the list")
            equal(sorted(found[cluster.name]["recommendations"]), wanted, f"hits {cluster.name}")


def test_a_cluster_sent_was_checked_when_the_message_says(api: Api, data: Data) -> None:
    for message in data.produced():
        name, number = message["ClusterName"], message["OrgID"]
        entry = asked(api, "cluster_recommendations", number, [name])[name]
        # fractions are shown without zeros at the end
        moment = message["LastChecked"].removesuffix("Z").rstrip("0").removesuffix(".") + "Z"
        equal(entry["created_at"], moment, f"created_at of {name}")
        version = message["Report"]["info"][0]["details"]["version"]
        equal(entry["meta"], {"cluster_version": version}, f"meta of {name}")


def test_a_list_of_one_cluster_has_nothing_of_others(api: Api, data: Data) -> None:
    clusters = chosen(data, 2)
    number, names = clusters[0].org_id, [cluster.name for cluster in clusters]

    def compare(every: tuple[Any, Any]) -> None:
        rules, entries = every
        for name in names[:3]:
            wanted = {rule: [name] for rule, hit in rules.items() if name in hit}
            equal(asked(api, "recommendations", number, [name]), wanted, f"hits of {name}")
            alone = unordered(asked(api, "cluster_recommendations", number, [name]))
            equal(alone, {name: entries[name]}, f"list for {name} alone")

    def both() -> tuple[Any, Any]:
        rules, entries = (unordered(asked(api, operation, number, names)) for operation in LISTS)
        return rules, entries

    retry_until_stable(both, compare)


def test_a_cluster_without_hits_has_an_empty_list(api: Api, data: Data) -> None:
    cluster = data.empty_cluster()

    def compare(reports: dict[str, Any]) -> None:
        if reports[cluster.name]["reports"]:
            skip(f"{cluster.name} has hits by now")
        found = asked(api, "cluster_recommendations", cluster.org_id, [cluster.name])
        equal(list(found), [cluster.name], "clusters in the list")
        equal(found[cluster.name]["recommendations"], [], f"recommendations of {cluster.name}")
        equal(asked(api, "recommendations", cluster.org_id, [cluster.name]), {}, "recommendations")

    retry_until_stable(lambda: reports_of(api, [cluster]), compare)


@each(*LISTS)
def test_a_list_of_nothing_is_empty(api: Api, data: Data, operation: str) -> None:
    number = data.organization().org_id
    for body in ([], None, [data.unknown_cluster()], [None]):
        equal(asked(api, operation, number, body), {}, f"{operation} for {body!r}")


@each(*LISTS)
def test_unknown_clusters_are_left_out(api: Api, data: Data, operation: str) -> None:
    hit = data.hit()
    unknown = [data.unknown_cluster(), hit.cluster.upper()]

    def compare(alone: Any) -> None:
        check(alone, f"{operation} has nothing for {hit.cluster}, which {hit.selector} hits")
        for body in ([unknown[0], hit.cluster, *unknown], [hit.cluster, hit.cluster]):
            found = unordered(asked(api, operation, hit.org_id, body))
            equal(found, alone, f"{operation} for {body} beside {hit.cluster} alone")

    retry_until_stable(lambda: unordered(asked(api, operation, hit.org_id, [hit.cluster])), compare)


@profiles(DEPARTURES)
@each(*LISTS)
def test_names_are_names_and_nothing_else(api: Api, data: Data, operation: str) -> None:
    number = data.organization().org_id
    for name in NAMES_OF_NOTHING:
        equal(asked(api, operation, number, [name]), {}, f"{operation} for {name!r}")


@each(*LISTS)
def test_clusters_of_other_organizations_are_left_out(api: Api, data: Data, operation: str) -> None:
    own, other = data.organizations(2)[:2]
    theirs = [cluster.name for cluster in other.clusters]
    ours = [cluster.name for cluster in own.clusters][:LOOKED_AT]
    equal(asked(api, operation, own.org_id, theirs), {}, f"{operation} for {theirs}")

    def compare(alone: Any) -> None:
        found = unordered(asked(api, operation, own.org_id, [*theirs, *ours]))
        equal(found, alone, f"{operation} with clusters of {other.org_id}")

    retry_until_stable(lambda: unordered(asked(api, operation, own.org_id, ours)), compare)


@each(*LISTS)
def test_an_unknown_organization_has_none(api: Api, data: Data, operation: str) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    number, name = data.unknown_organization(), data.cluster().name
    equal(asked(api, operation, number, [name]), {}, f"{operation} of {number}")


@profiles(DEPARTURES)
@each(*LISTS)
def test_an_organization_beyond_31_bits_has_none(api: Api, data: Data, operation: str) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    for number in (2147483648, 4294967295):
        equal(asked(api, operation, number, [data.cluster().name]), {}, f"{operation} of {number}")


@profiles(DEPARTURES)
def test_lists_are_ascending(api: Api, data: Data) -> None:
    clusters = chosen(data, 2)
    names = [cluster.name for cluster in reversed(clusters)]
    rules = asked(api, "recommendations", clusters[0].org_id, names)
    ascending(list(rules), "recommendations")
    for rule, hit in rules.items():
        ascending(hit, f"clusters of {rule}")
    found = asked(api, "cluster_recommendations", clusters[0].org_id, names)
    ascending(list(found), "clusters")
    for name, entry in found.items():
        ascending(entry["recommendations"], f"recommendations of {name}")


@each(*LISTS)
def test_the_form_of_the_request_does_not_matter(api: Api, data: Data, operation: str) -> None:
    hit = data.hit()
    body = f'["{hit.cluster}"]'.encode()

    def told(org_id: object, body: object, **more: Any) -> Any:
        return unordered(asked(api, operation, org_id, body, **more))

    def compare(plain: Any) -> None:
        equal(told(f"00{hit.org_id}", [hit.cluster]), plain, f"{operation} of 00{hit.org_id}")
        pieces = told(hit.org_id, [hit.cluster], chunked=True)
        equal(pieces, plain, f"{operation} for a chunked body")
        tail = told(hit.org_id, b" \n" + body + b" and so on")
        equal(tail, plain, f"{operation} for a body with something after the list")
        kind = {"Content-Type": "text/plain"}
        equal(told(hit.org_id, body, headers=kind), plain, f"{operation} as text")

    retry_until_stable(partial(told, hit.org_id, [hit.cluster]), compare)


@each(*LISTS)
def test_improper_parameters_are_refused(api: Api, data: Data, operation: str) -> None:
    for value, text in improper_organizations("org_id").items():
        api.refused(400, operation, text, org_id=value, user_id="x", body=[])
    number = data.organization().org_id
    api.refused(400, operation, NO_USER, org_id=number, user_id=BLANK, body=[])
    # the user is looked at before the organization, both of them before the body
    api.refused(400, operation, NO_USER, org_id="abc", user_id=BLANK, body={})


@each(*LISTS)
def test_a_body_of_another_kind_is_refused(api: Api, data: Data, operation: str) -> None:
    params: dict[str, Any] = {"org_id": data.organization().org_id, "user_id": "x"}
    for body in WRONG_TYPES:
        api.refused(400, operation, BAD_TYPE, **params, body=body)
    for text in NO_JSON:
        api.refused(400, operation, **params, body=text)


@profiles(DEPARTURES)
@each(*LISTS)
def test_a_body_that_is_absent_or_cut_short_is_refused(
    api: Api, data: Data, operation: str
) -> None:
    params: dict[str, Any] = {"org_id": data.organization().org_id, "user_id": "x"}
    api.refused(400, operation, NO_BODY, **params)
    api.refused(400, operation, NO_BODY, **params, body=b" \r\n")
    for text in CUT_SHORT:
        api.refused(400, operation, **params, body=text)


@profiles(DEPARTURES)
@each(*LISTS)
def test_options_only_tell_the_methods(api: Api, data: Data, operation: str) -> None:
    hit = data.hit()
    exchange = api.call(operation, **hit.params, user_id="x", method="OPTIONS", body=[hit.cluster])
    equal(exchange.status, 200, exchange.place)
    demand_allowed(exchange, operation)
    check(hit.cluster not in exchange.text, f"{exchange.place} answers: {exchange.text[:100]}")


@each(*LISTS)
def test_other_methods_are_not_allowed(api: Api, data: Data, operation: str) -> None:
    number = data.organization().org_id
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD"):
        exchange = api.call(operation, org_id=number, user_id="x", method=method)
        equal(exchange.status, 405, exchange.place)
        equal(exchange.text, "", f"{exchange.place}: body")
