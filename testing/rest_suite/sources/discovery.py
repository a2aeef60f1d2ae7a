"""Finds organizations, clusters, hits and workloads by reading, within a few dozen requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..api import Api
from ..case import REFERENCE_2020
from ..checks import CheckFailed, Skipped
from ..data import (
    Cluster,
    Hit,
    Inventory,
    Organization,
    Workload,
)
from ..probe import UsageError

USER = "rest-suite"
ORGANIZATIONS = 4
LOOKED_AT = 40
ASKED_ABOUT = 500
WITH_HITS = 8
WITHOUT_HITS = 2
NAMESPACES = 6
BROKEN = 500

T = TypeVar("T")


def discover(api: Api) -> Inventory:
    """Return a choice of what the instance has; raise UsageError when it names nothing."""
    wanted = _organizations(api)
    found: list[Organization] = []
    bare: list[Organization] = []
    for number in spread(wanted, LOOKED_AT):
        organization = _organization(api, number)
        (found if organization.clusters else bare).append(organization)
        if len(found) >= ORGANIZATIONS:
            break
    return Inventory(
        (*found, *bare)[:ORGANIZATIONS],
        "found by reading",
        failed=tuple(one.place for one in api.exchanges if one.error or one.status >= BROKEN),
    )


def _organizations(api: Api) -> list[int]:
    """Return all organizations of the instance, or the one of the token."""
    if api.organization is not None:
        return [api.organization]
    try:
        return list(api.ok("organizations")["organizations"])
    except Skipped as error:
        raise UsageError(
            f"the instance does not list its organizations ({error}): name one with --org"
        ) from error
    except CheckFailed:
        # the cases of organizations tell what is wrong with the list
        return []


def _organization(api: Api, number: int) -> Organization:
    """Return an organization with clusters that differ, and namespaces."""
    listed = _answered(lambda: api.ok("clusters", organization=number)["clusters"])
    workloads = _workloads(api, number)
    others = [cluster for cluster in _named(api, number, workloads) if cluster not in listed]
    clusters = [
        cluster
        for name in [*_chosen(api, number, listed), *others[:WITHOUT_HITS]]
        if (cluster := read_cluster(api, number, name)) is not None
    ]
    known = set(listed)
    return Organization(
        number,
        tuple(replace(cluster, listed=cluster.name in known) for cluster in clusters),
        tuple(spread(workloads, NAMESPACES)),
    )


def _chosen(api: Api, number: int, names: Sequence[str]) -> list[str]:
    """Return clusters with as many different rules as can be, and some without hits."""
    if not names:
        return []
    asked = spread(names, ASKED_ABOUT)
    answer = _answered(
        lambda: api.ok("cluster_recommendations", org_id=number, user_id=USER, body=asked)[
            "clusters"
        ]
    )
    if not answer:
        return spread(names, WITH_HITS)
    seen: set[str] = set()
    fresh: list[str] = []
    stale: list[str] = []
    empty: list[str] = []
    for name, entry in answer.items():
        rules = set(entry["recommendations"])
        (empty if not rules else stale if rules <= seen else fresh).append(name)
        seen |= rules
    return [*[*fresh, *stale][:WITH_HITS], *empty[:WITHOUT_HITS]]


def read_cluster(api: Api, number: int, name: str) -> Cluster | None:
    """Return a cluster with its hits, None when it has no report."""
    try:
        exchange = api.call("report", org_id=number, cluster=name, user_id=USER)
    except Skipped:
        # the operation is slow, which the report of the run says
        return None
    if exchange.status != 200:
        return None
    return Cluster(number, name, tuple(_hits(exchange.json, number, name)))


def _hits(answer: object, number: int, name: str) -> Iterator[Hit]:
    """Yield the hits of a report; one that is not as it should be is the cases' matter."""
    report = answer.get("report") if isinstance(answer, dict) else None
    for item in (report or {}).get("reports") or []:
        if isinstance(item, dict) and "component" in item and "key" in item:
            yield Hit(number, name, item["component"], item["key"], item.get("disabled") is True)


def _workloads(api: Api, number: int) -> list[Workload]:
    if api.instance.profile == REFERENCE_2020:
        return []
    items = _answered(lambda: api.ok("workloads", org_id=number)["workloads"])
    return [Workload(number, item["cluster"]["uuid"], item["namespace"]["uuid"]) for item in items]


def other_clusters(api: Api, number: int) -> list[str]:
    """Return clusters that lists name which are not those of clusters."""
    return _named(api, number, _workloads(api, number))


def _named(api: Api, number: int, workloads: Iterable[Workload]) -> list[str]:
    """Return clusters that may be too old for the list, but are known from elsewhere."""
    disabled: list[dict[str, str]] = []
    if api.instance.profile != REFERENCE_2020:
        disabled = _answered(lambda: api.ok("disabled", org_id=number)["rules"])
    names = [workload.cluster for workload in workloads] + [row["ClusterID"] for row in disabled]
    return list(dict.fromkeys(names))


def _answered(ask: Callable[[], Any]) -> Any:
    """Return what an operation says, nothing when it fails: that is for a case to tell."""
    try:
        return ask() or []
    except (Skipped, CheckFailed):
        return []


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` items spread over a list, including the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[number * (len(items) - 1) // (most - 1)] for number in range(most)]
