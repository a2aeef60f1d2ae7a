"""Lists of namespaces with workload recommendations (contract rest-api 5)."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from ..api import Api
from ..case import DEPARTURES, each, profiles
from ..checks import (
    ascending,
    check,
    equal,
    skip,
)
from ..data import Data
from ..sources.discovery import spread
from .parameters import BAD_TYPE, NO_BODY, improper_organizations
from .retry import retry_until_stable

ORGANIZATIONS = 2
ENOUGH = 200
LISTS = ("workloads", "workloads_by_body")
# so many reports that cannot be parsed are no accident
SEVERAL = 3
LOOKED_AT = 4
ASKED_ABOUT = 200
WRONG_TYPES: tuple[object, ...] = ({"clusters": []}, "abc", 1, True, [1], [["x"]], [{}])
NO_JSON = (b"hello", b"{]", b"[,]")
CUT_SHORT = (b'["abc', b"[", b'{"a":')
NAMES_OF_NOTHING = ("abc", "", "it's", "x') OR (1=1) --", "%")
# lists of large organizations, read beside each other, would wait for each other
_ONE_AT_A_TIME = Lock()

Row = dict[str, Any]


def listed(api: Api, org_id: object, **more: Any) -> list[Row]:
    """Return all rows of an organization."""
    with _ONE_AT_A_TIME:
        return api.ok("workloads", org_id=org_id, **more)["workloads"] or []


def listed_of(api: Api, org_id: object, clusters: object, **more: Any) -> Any:
    """Return the rows of some clusters, None when that is what the instance says."""
    with _ONE_AT_A_TIME:
        return api.ok("workloads_by_body", org_id=org_id, body=clusters, **more)["workloads"]


def place(row: Row) -> tuple[str, str]:
    """Return cluster and namespace of a row."""
    return row["cluster"]["uuid"], row["namespace"]["uuid"]


def by_place(rows: list[Row] | None) -> list[Row]:
    """Return rows in one order, as only the departures promise it."""
    return sorted(rows or [], key=place)


def for_some(api: Api, data: Data, compare: Callable[[int, list[Row]], None]) -> None:
    """Compare with the rows of a few organizations that have some.

    They are read even where no workloads are known: the list may be what is broken. The first
    organizations are often the largest, so the last ones are taken, as many as are needed.
    """
    seen = several = 0
    for organization in reversed(data.organizations()):
        number = organization.org_id

        def read(number: int = number) -> list[Row]:
            return by_place(listed(api, number))

        def counted(rows: list[Row], number: int = number) -> None:
            if rows:
                compare(number, rows)

        found = retry_until_stable(read, counted)
        seen += len(found)
        several += len(found) > 1
        if several >= ORGANIZATIONS and seen >= ENOUGH:
            return
    if not seen:
        skip("no organization known has workloads")


def clusters_in(rows: list[Row]) -> list[str]:
    """Return the clusters of rows, each once."""
    return list(dict.fromkeys(row["cluster"]["uuid"] for row in rows))


def counts_of(recommendations: list[Row]) -> dict[str, int]:
    """Return how many objects each check of a namespace concerns."""
    found: dict[str, int] = {}
    for one in recommendations:
        found[one["check"]] = found.get(one["check"], 0) + len(one["objects"])
    return found


def test_known_namespaces_are_listed(api: Api, data: Data) -> None:
    data.workloads()
    for organization in data.organizations()[-ORGANIZATIONS:]:
        number = organization.org_id
        found = {place(row) for row in listed(api, number)}
        for work in organization.workloads:
            params: Row = {"cluster": work.cluster, "namespace": work.namespace}
            if (work.cluster, work.namespace) not in found:
                alone = api.call("namespace_workloads", org_id=number, **params)
                gone = not data.inventory.certain and alone.status == 404
                check(gone, f"workloads of {number} have no {work.namespace} in {work.cluster}")


def test_each_namespace_is_listed_once(api: Api, data: Data) -> None:
    def compare(number: int, rows: list[Row]) -> None:
        equal(len(rows), len({place(row) for row in rows}), f"namespaces listed in {number}")

    for_some(api, data, compare)


def test_a_row_is_what_the_namespace_says(api: Api, data: Data) -> None:
    def compare(number: int, rows: list[Row]) -> None:
        bare, counting = 0, 0
        for row in spread(rows, LOOKED_AT):
            cluster, namespace = place(row)
            params: Row = {"org_id": number, "cluster": cluster, "namespace": namespace}
            alone = api.ok("namespace_workloads", **params)["workloads"]
            for name in ("cluster", "namespace", "metadata"):
                equal(row[name], alone[name], f"{name} of {namespace} in {cluster}")
            counted = counts_of(alone["recommendations"])
            hits = row["recommendations_hit_count"] or {}
            if not data.inventory.certain:
                # rows that no message has written may count less than their report tells
                counted = {name: counted[name] for name in hits if name in counted}
            # what cannot be parsed is shown without recommendations
            if alone["recommendations"]:
                equal(hits, counted, f"recommendations_hit_count of {namespace} in {cluster}")
            bare += bool(hits) and not alone["recommendations"]
            counting += bool(hits)
        text = f"organization {number}: the list counts recommendations, no namespace shows them"
        check(counting < SEVERAL or bare < counting, text)

    for_some(api, data, compare)


def test_a_namespace_was_reported_before_it_was_checked_last(api: Api, data: Data) -> None:
    def compare(number: int, rows: list[Row]) -> None:
        for row in rows:
            first, last = row["metadata"]["reported_at"], row["metadata"]["last_checked_at"]
            check(first <= last, f"{place(row)}: reported at {first}, checked at {last}")

    for_some(api, data, compare)


def test_metadata_count_what_is_listed(api: Api, data: Data) -> None:
    if not data.inventory.certain:
        skip("the workloads are known from the instance itself")
    known = {(work.cluster, work.namespace) for work in data.workloads()}

    def compare(number: int, rows: list[Row]) -> None:
        for row in rows:
            hits, metadata = row["recommendations_hit_count"] or {}, row["metadata"]
            if place(row) in known:
                equal(metadata["recommendations"], len(hits), f"recommendations in {place(row)}")
                # one object may be the matter of several recommendations
                most, least = sum(hits.values()), max(hits.values(), default=0)
                what = f"{place(row)}: {metadata['objects']} objects, hits {hits}"
                check(least <= metadata["objects"] <= most, what)

    for_some(api, data, compare)


def test_the_list_by_body_has_the_same_rows(api: Api, data: Data) -> None:
    for organization in data.organizations()[-ORGANIZATIONS:]:
        number = organization.org_id
        names = {cluster.name for cluster in organization.clusters}

        def read(number: int = number) -> list[Row]:
            return by_place(listed(api, number))

        def compare(rows: list[Row], number: int = number, names: set[str] = names) -> None:
            few = [row for row in rows if row["cluster"]["uuid"] in names]
            found = by_place(listed_of(api, number, sorted(names)))
            equal(found, few, f"workloads of {number} for clusters with reports")

        retry_until_stable(read, compare)


def test_a_body_limits_the_clusters(api: Api, data: Data) -> None:
    def compare(number: int, rows: list[Row]) -> None:
        names = spread(clusters_in(rows), ASKED_ABOUT)
        unknown: list[Any] = [data.unknown_cluster(), "abc", names[0].upper(), "", None]
        # one that has no letters is written in one way only
        unknown = [name for name in unknown if name != names[0]]
        for wanted in (names[:1], names[-1:], names):
            few = [row for row in rows if row["cluster"]["uuid"] in wanted]
            bodies: tuple[list[Any], ...] = (
                wanted,
                [*reversed(wanted), *unknown],
                [*wanted, *wanted],
            )
            for body in bodies:
                found = by_place(listed_of(api, number, body))
                equal(found, few, f"workloads of {number} for clusters {body}")

    for_some(api, data, compare)


def test_none_are_null_and_none_asked_for_is_empty(api: Api, data: Data) -> None:
    number = data.organization().org_id
    nothing: tuple[object, ...] = ([], None)
    for body in nothing:
        equal(listed_of(api, number, body), [], f"workloads for the body {body}")
    for name in (data.unknown_cluster(), "abc", None):
        equal(listed_of(api, number, [name]), None, f"workloads for the cluster {name}")


def test_an_unknown_organization_has_none(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    number, names = data.unknown_organization(), [work.cluster for work in data.workloads()]
    equal(api.ok("workloads", org_id=number)["workloads"], None, f"workloads of {number}")
    equal(listed_of(api, number, names), None, f"workloads of {number} by body")
    equal(listed_of(api, number, []), [], f"workloads of {number} for no clusters")


@profiles(DEPARTURES)
def test_an_organization_beyond_31_bits_has_none(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    for number in (2147483648, 4294967295):
        equal(api.ok("workloads", org_id=number)["workloads"], None, f"workloads of {number}")


def test_workloads_of_other_organizations_are_not_shown(api: Api, data: Data) -> None:
    few = data.organizations(2)[-ORGANIZATIONS:]
    owners = {organization.org_id: set[str]() for organization in few}
    for number, names in owners.items():
        names.update(clusters_in(listed(api, number)))
    for number, names in owners.items():
        theirs = sorted(set().union(*(owners[other] for other in owners if other != number)))
        equal(sorted(names & set(theirs)), [], f"clusters of others in the workloads of {number}")
        if theirs:
            found = listed_of(api, number, theirs[:ASKED_ABOUT])
            equal(found, None, f"workloads of {number} for others' clusters")


@profiles(DEPARTURES)
@each(*NAMES_OF_NOTHING)
def test_a_name_is_a_name_and_nothing_else(api: Api, data: Data, name: str) -> None:
    equal(listed_of(api, data.organization().org_id, [name]), None, f"workloads for {name!r}")


@profiles(DEPARTURES)
def test_lists_are_ascending(api: Api, data: Data) -> None:
    for organization in data.organizations()[-ORGANIZATIONS:]:
        number = organization.org_id
        rows = listed(api, number)
        by_body = listed_of(api, number, clusters_in(rows)[::-1][:ASKED_ABOUT]) or []
        for found in (rows, by_body):
            places = [" ".join(place(row)) for row in found]
            ascending(places, f"clusters and namespaces of {number}")


def test_the_form_of_the_request_does_not_matter(api: Api, data: Data) -> None:
    work = data.workloads()[-1]
    number, name = work.org_id, work.cluster
    every, few = by_place(listed(api, number)), by_place(listed_of(api, number, [name]))
    equal(by_place(listed(api, f"00{number}")), every, f"workloads of 00{number}")
    equal(by_place(listed(api, number, body=["abc"])), every, "workloads with a body to ignore")
    tail = f' \n["{name}"] and so on'.encode()
    equal(by_place(listed_of(api, number, tail)), few, "workloads for a list with a tail")
    kind = {"Content-Type": "text/plain"}
    equal(by_place(listed_of(api, number, [name], headers=kind)), few, "workloads for a text")


@profiles(DEPARTURES)
def test_a_chunked_body_is_read(api: Api, data: Data) -> None:
    work = data.workload()
    rows = listed_of(api, work.org_id, [work.cluster], chunked=True) or []
    equal(clusters_in(rows), [work.cluster], "clusters for a chunked body")


@each(*LISTS)
def test_an_improper_organization_is_refused(api: Api, data: Data, operation: str) -> None:
    for value, text in improper_organizations("org_id").items():
        # the organization is looked at before the body
        api.refused(400, operation, text, org_id=value, body={})


def test_a_body_of_another_kind_is_refused(api: Api, data: Data) -> None:
    number = data.organization().org_id
    for body in WRONG_TYPES:
        api.refused(400, "workloads_by_body", BAD_TYPE, org_id=number, body=body)
    for text in NO_JSON:
        api.refused(400, "workloads_by_body", org_id=number, body=text)
    api.refused(400, "workloads_by_body", NO_BODY, org_id=number)


@profiles(DEPARTURES)
def test_a_body_cut_short_is_refused(api: Api, data: Data) -> None:
    for text in CUT_SHORT:
        api.refused(400, "workloads_by_body", org_id=data.organization().org_id, body=text)


def test_other_methods_are_not_allowed(api: Api, data: Data) -> None:
    for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        exchange = api.call("workloads", org_id=data.organization().org_id, method=method)
        equal(exchange.status, 405, exchange.place)
        equal(exchange.text, "", f"{exchange.place}: body")
