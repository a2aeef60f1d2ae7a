"""Debug operations that delete clusters and organizations (contract rest-api 3.0)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import (
    CURRENT,
    DEPARTURES,
    REFERENCE_2020,
    REFERENCE_2026,
    deletes,
    each,
    profiles,
)
from ..checks import (
    Skipped,
    check,
    equal,
    skip,
)
from ..data import Cluster, Data, Hit
from .parameters import (
    CLUSTERS,
    NOT_FOUND,
    TOO_LARGE,
    unreadable,
)

USER = "rest-suite"
NO_NUMBERS = ("abc", "-1", "1.0", TOO_LARGE, "1 OR 1=1", " 1", "")
NO_ARRAY = "integer array expected"
PLAIN_404 = "404 page not found\n"

Params = dict[str, Any]


def place(cluster: Cluster) -> Params:
    """Return the parameters of a cluster's report."""
    return {"org_id": cluster.org_id, "cluster": cluster.name, "user_id": USER}


def delete(api: Api, clusters: list[Cluster]) -> None:
    """Delete clusters of one organization."""
    names = ",".join(cluster.name for cluster in clusters)
    api.ok("delete_clusters", clusters=names, as_organization=clusters[0].org_id)


def alive(api: Api, data: Data, least: int) -> list[Cluster]:
    """Return clusters of one organization that are still there, the last of them first."""
    organizations = sorted(data.organizations(), key=lambda one: -len(one.clusters))
    for organization in organizations:
        found = []
        for cluster in reversed(organization.clusters):
            if api.call("report", **place(cluster)).status == 200:
                found.append(cluster)
            if len(found) == least:
                return found
    raise Skipped(f"no organization known has {least} clusters left")


def alive_hit(api: Api, data: Data) -> Hit:
    """Return a hit of a cluster that is still there."""
    for hit in reversed(data.hits()):
        if api.call("report", **hit.params, user_id=USER).status == 200:
            return hit
    raise Skipped("no cluster known with hits is left")


def gone(api: Api, cluster: Cluster) -> None:
    """Demand that a cluster has no report anywhere."""
    text = NOT_FOUND.format(f"{cluster.org_id}/{cluster.name}")
    api.refused(404, "report", text, **place(cluster))
    listed = api.ok("clusters", organization=cluster.org_id)["clusters"]
    check(cluster.name not in listed, f"{cluster.name} is deleted and still in the list")
    if api.instance.profile == REFERENCE_2020:
        return
    api.refused(404, "report_info", text, **place(cluster))
    body = [cluster.name]
    answer = api.ok("cluster_recommendations", **place(cluster), body=body)
    equal(answer["clusters"], {}, f"clusters with a report among {body}")
    answer = api.ok("reports", org_id=cluster.org_id, cluster_list=cluster.name)
    equal(answer["errors"], body, f"clusters without a report among {body}")


@deletes
def test_a_deleted_cluster_is_gone(api: Api, data: Data) -> None:
    doomed, kept = alive(api, data, 2)
    before = api.ok("report", **place(kept))
    delete(api, [doomed])
    gone(api, doomed)
    after = api.ok("report", **place(kept))
    equal(after["report"]["meta"]["count"], before["report"]["meta"]["count"], kept.name)
    delete(api, [doomed])
    gone(api, doomed)


@deletes
def test_several_clusters_are_deleted_at_once(api: Api, data: Data) -> None:
    first, second, kept = alive(api, data, 3)
    delete(api, [first, second, first])
    gone(api, first)
    gone(api, second)
    api.ok("report", **place(kept))


@deletes
def test_a_deleted_cluster_is_unknown_to_votes(api: Api, data: Data) -> None:
    hit = alive_hit(api, data)
    delete(api, [Cluster(hit.org_id, hit.cluster)])
    text = NOT_FOUND.format(hit.cluster)
    operation = "get_vote_2020" if api.instance.profile == REFERENCE_2020 else "get_vote"
    api.refused(404, operation, text, **hit.params, user_id=USER)


@deletes
@profiles(DEPARTURES)
def test_what_belongs_to_a_deleted_cluster_goes_with_it(api: Api, data: Data) -> None:
    hit = alive_hit(api, data)
    user, name = data.user(), hit.cluster
    params: Params = {**hit.params, "user_id": user}
    writes_are_allowed = _write(api, params)
    delete(api, [Cluster(hit.org_id, name)])
    params["rule_id"] = hit.rule_and_key
    api.refused(404, "rule", **params)
    found = api.ok("recommendations", org_id=hit.org_id, user_id=user, body=[name])
    equal(found["recommendations"], {}, f"recommendations of {name}")
    text = NOT_FOUND.format(hit.selector)
    api.refused(404, "clusters_detail", text, rule_selector=hit.selector, org_id=hit.org_id,
                user_id=user, body={"clusters": [name]})  # fmt: skip
    rows = api.ok("workloads_by_body", org_id=hit.org_id, body=[name])["workloads"]
    equal(rows, None, f"workloads of {name}")
    if writes_are_allowed:
        rules = api.ok("disabled_for_clusters", org_id=hit.org_id, body=[name])["rules"]
        equal(rules, [], f"disabled rules of {name}")
        reasons = api.ok("reasons", user_id=user, as_organization=hit.org_id)["reasons"]
        equal(reasons, [], f"reasons of {user}")


def _write(api: Api, params: Params) -> bool:
    """Disable a hit and give a reason; say whether that is allowed in this run."""
    try:
        api.ok("disable", **params)
        api.ok("disable_feedback", **params, body={"message": "by the REST suite"})
    except Skipped:
        return False
    return True


@deletes
@profiles(REFERENCE_2026)
def test_rows_of_a_deleted_cluster_stay(api: Api, data: Data) -> None:
    hit = alive_hit(api, data)
    delete(api, [Cluster(hit.org_id, hit.cluster)])
    api.ok("rule", **{**hit.params, "rule_id": hit.rule_and_key, "user_id": USER})
    params: Params = {"rule_selector": hit.selector, "org_id": hit.org_id, "user_id": USER}
    rows = api.ok("clusters_detail", **params)["clusters"]
    names = [row["cluster"] for row in rows]
    check(hit.cluster in names, f"{hit.cluster} is no longer among those that {hit.selector} hits")


@deletes
def test_what_is_not_there_is_deleted_without_a_word(api: Api, data: Data) -> None:
    several = f"{data.unknown_cluster()},{data.unknown_cluster()}"
    for names in (data.unknown_cluster(), several):
        api.ok("delete_clusters", clusters=names)
    if api.organization is None:
        api.ok("delete_organizations", organizations=data.unknown_organization())


@deletes
def test_a_name_in_capitals_is_another_one(api: Api, data: Data) -> None:
    (cluster,) = alive(api, data, 1)
    other = cluster.name.upper()
    if other == cluster.name:
        skip(f"{cluster.name} has no letters")
    api.ok("delete_clusters", clusters=other, as_organization=cluster.org_id)
    api.ok("report", **place(cluster))


@deletes
@each(*CLUSTERS)
def test_an_improper_cluster_is_refused(api: Api, data: Data, name: str) -> None:
    text = unreadable("cluster", name, CLUSTERS[name])
    api.refused(400, "delete_clusters", text, clusters=name)


@deletes
def test_nothing_is_deleted_when_one_cluster_is_improper(api: Api, data: Data) -> None:
    (cluster,) = alive(api, data, 1)
    for names in (f"{cluster.name},abc", f"abc,{cluster.name}", f"{cluster.name},"):
        api.refused(400, "delete_clusters", clusters=names, as_organization=cluster.org_id)
        api.ok("report", **place(cluster))


@deletes
def test_improper_organizations_are_refused(api: Api, data: Data) -> None:
    number = data.unknown_organization()
    for value in NO_NUMBERS:
        if value == TOO_LARGE and not api.instance.behaviour.organizations_limited:
            continue
        text = unreadable("organizations", value, NO_ARRAY)
        for names in (value, f"{number},{value}"):
            # an empty name alone is another path
            if names:
                api.refused(400, "delete_organizations", text, organizations=names)


@deletes
def test_nothing_is_deleted_when_one_organization_is_improper(api: Api, data: Data) -> None:
    (cluster,) = alive(api, data, 1)
    names = f"{cluster.org_id},abc"
    api.refused(400, "delete_organizations", organizations=names, as_organization=cluster.org_id)
    api.ok("report", **place(cluster))


@deletes
@profiles(*CURRENT)
def test_other_methods_are_not_allowed(api: Api, data: Data) -> None:
    cluster, number = data.unknown_cluster(), data.unknown_organization()
    for method in ("GET", "PUT", "POST", "HEAD", "OPTIONS"):
        for exchange in (
            api.call("delete_clusters", clusters=cluster, method=method),
            api.call("delete_organizations", organizations=number, method=method),
        ):
            equal(exchange.status, 405, exchange.place)
            equal(exchange.text, "", f"{exchange.place}: body")


@deletes
def test_without_debug_nothing_can_be_deleted(api: Api, data: Data) -> None:
    if api.instance.debug:
        skip("the debug endpoints are on")
    for path in (f"clusters/{data.unknown_cluster()}", "organizations/2000000011"):
        exchange = api.raw("DELETE", path)
        equal(exchange.status, 404, exchange.place)
        equal(exchange.text, PLAIN_404, f"{exchange.place}: body")


@deletes
def test_a_deleted_organization_is_gone(api: Api, data: Data) -> None:
    data.produced()
    if api.organization is not None:
        skip("the organization is not one that this run has made")
    kept, doomed = data.organizations(2)[:2]
    others = api.ok("clusters", organization=kept.org_id)["clusters"]
    for _ in ("once", "again"):
        api.ok("delete_organizations", organizations=doomed.org_id)
        for cluster in doomed.clusters:
            gone(api, cluster)
    numbers = api.ok("organizations")["organizations"]
    check(doomed.org_id not in numbers, f"{doomed.org_id} is deleted and still in the list")
    found = api.ok("clusters", organization=kept.org_id)["clusters"]
    equal(found, others, f"clusters of {kept.org_id}, which was not deleted")
    if api.instance.profile == DEPARTURES:
        rows = api.ok("workloads", org_id=doomed.org_id)["workloads"]
        equal(rows, None, f"workloads of {doomed.org_id}")
