"""One namespace with the recommendations for its workloads (contract rest-api 5)."""

from __future__ import annotations

from typing import Any

from ..api import Api
from ..case import DEPARTURES, profiles
from ..checks import check, equal, skip
from ..data import Data, Workload
from ..sources.discovery import spread
from .parameters import (
    NOT_FOUND,
    improper_clusters,
    improper_organizations,
    unreadable,
)

LOOKED_AT = 8
LONGEST = 256

Row = dict[str, Any]


def params_of(work: Workload) -> Row:
    """Return the parameters of a path that name a namespace."""
    return {"org_id": work.org_id, "cluster": work.cluster, "namespace": work.namespace}


def read(api: Api, work: Workload) -> Row:
    """Return what the instance says of a namespace."""
    found: Row = api.ok("namespace_workloads", **params_of(work))["workloads"]
    return found


def spaces_of(api: Api, data: Data) -> list[Workload]:
    """Return the namespaces known, or else listed now: a broken list must not go unnoticed."""
    found = [work for one in data.organizations() for work in one.workloads]
    if not found:
        for one in data.organizations():
            rows = api.ok("workloads", org_id=one.org_id)["workloads"] or []
            places = ((row["cluster"]["uuid"], row["namespace"]["uuid"]) for row in rows)
            found += [Workload(one.org_id, *place) for place in places]
    if not found:
        skip("no organization known has workloads")
    return found


def absent(api: Api, **params: Any) -> None:
    """Demand that there is no such namespace."""
    text = f"{params['org_id']}:{params['cluster']}:{params['namespace']}"
    api.refused(404, "namespace_workloads", NOT_FOUND.format(text), **params)


def test_a_namespace_is_the_one_asked_for(api: Api, data: Data) -> None:
    for work in spread(spaces_of(api, data), LOOKED_AT):
        found = read(api, work)
        equal(found["cluster"]["uuid"], work.cluster, f"cluster of {work.namespace}")
        equal(found["namespace"]["uuid"], work.namespace, f"namespace in {work.cluster}")


def test_metadata_count_the_recommendations(api: Api, data: Data) -> None:
    if not data.inventory.certain:
        skip("the workloads are known from the instance itself")
    for work in spread(spaces_of(api, data), LOOKED_AT):
        found = read(api, work)
        shown, metadata = found["recommendations"], found["metadata"]
        equal(metadata["recommendations"], len(shown), f"recommendations of {work.namespace}")
        uids = {thing["uid"] for one in shown for thing in one["objects"]}
        equal(metadata["objects"], len(uids), f"objects of {work.namespace}")


def test_a_check_says_the_same_in_every_namespace(api: Api, data: Data) -> None:
    every = spaces_of(api, data)
    spaces = [work for work in every if work.cluster == every[0].cluster]
    seen: dict[str, Any] = {}
    for work in spread(spaces, LOOKED_AT):
        found = read(api, work)
        for one in found["recommendations"]:
            # a report that came meanwhile may say something else
            key = f"{one['check']} at {found['metadata']['last_checked_at']}"
            equal(one["extra_data"], seen.setdefault(key, one["extra_data"]), f"details of {key}")


def test_a_namespace_answers_the_same_twice(api: Api, data: Data) -> None:
    work = spaces_of(api, data)[0]
    first, second_time = read(api, work), read(api, work)
    if first["metadata"]["last_checked_at"] == second_time["metadata"]["last_checked_at"]:
        equal(second_time, first, f"{work.namespace} read again")
    zeros = api.ok("namespace_workloads", **{**params_of(work), "org_id": f"00{work.org_id}"})
    equal(zeros["workloads"]["namespace"], first["namespace"], f"namespace of 00{work.org_id}")


def test_what_is_not_there_is_not_found(api: Api, data: Data) -> None:
    params = params_of(spaces_of(api, data)[0])
    absent(api, **{**params, "cluster": data.unknown_cluster()})
    for name in ("no-such-namespace", params["namespace"] + "x", " ", "x" * LONGEST):
        absent(api, **{**params, "namespace": name})
    if any(letter in params["cluster"] for letter in "abcdef"):
        # names are taken as they are written
        absent(api, **{**params, "cluster": params["cluster"].upper()})
    urn = "urn:uuid:" + params["cluster"]
    absent(api, **{**params, "cluster": urn})


def test_a_namespace_is_not_shown_in_other_clusters(api: Api, data: Data) -> None:
    spaces = spaces_of(api, data)
    work = spaces[0]
    rows = api.ok("workloads", org_id=work.org_id)["workloads"] or []
    # namespaces may have the same name in several clusters
    with_it = {row["cluster"]["uuid"] for row in rows if row["namespace"]["uuid"] == work.namespace}
    without = dict.fromkeys(one.cluster for one in spaces if one.cluster not in with_it)
    if not without:
        skip(f"all clusters known with workloads have a namespace {work.namespace}")
    for cluster in list(without)[:3]:
        absent(api, org_id=work.org_id, cluster=cluster, namespace=work.namespace)


def test_another_organization_does_not_see_it(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    work = spaces_of(api, data)[0]
    others = [one.org_id for one in data.organizations() if one.org_id != work.org_id]
    for number in [*others[:2], data.unknown_organization()]:
        absent(api, **{**params_of(work), "org_id": number})


@profiles(DEPARTURES)
def test_an_organization_beyond_31_bits_has_none(api: Api, data: Data) -> None:
    if api.organization is not None:
        skip("the token speaks for one organization only")
    for number in (2147483648, 4294967295):
        absent(api, **{**params_of(spaces_of(api, data)[0]), "org_id": number})


@profiles(DEPARTURES)
def test_a_name_is_a_name_and_nothing_else(api: Api, data: Data) -> None:
    params = params_of(spaces_of(api, data)[0])
    for name in ("it's", "' OR '1'='1", "%", "ü"):
        absent(api, **{**params, "namespace": name})


def test_improper_parameters_are_refused(api: Api, data: Data) -> None:
    params: Row = {"org_id": data.organization().org_id, "cluster": data.unknown_cluster()}
    params["namespace"] = "default"
    for value, text in improper_organizations("org_id").items():
        api.refused(400, "namespace_workloads", text, **{**params, "org_id": value})
    for value, text in improper_clusters().items():
        api.refused(400, "namespace_workloads", text, **{**params, "cluster": value})
    for value in ("x" * LONGEST + "y", "a\nb", "a\n"):
        text = unreadable("namespace", value, f"invalid namespace ID: '{value}'")
        api.refused(400, "namespace_workloads", text, **{**params, "namespace": value})


def test_the_organization_is_looked_at_first(api: Api, data: Data) -> None:
    org, refusal = next(iter(improper_organizations("org_id").items()))
    cluster, text = next(iter(improper_clusters().items()))
    params: Row = {"cluster": cluster, "namespace": "a\n"}
    api.refused(400, "namespace_workloads", refusal, **params, org_id=org)
    api.refused(400, "namespace_workloads", text, **params, org_id=data.organization().org_id)


def test_other_methods_are_not_allowed(api: Api, data: Data) -> None:
    params: Row = {"org_id": data.organization().org_id, "cluster": data.unknown_cluster()}
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        exchange = api.call("namespace_workloads", **params, namespace="x", method=method)
        check(exchange.status == 405, f"{exchange.place}, expected 405")
        equal(exchange.text, "", f"{exchange.place}: body")
