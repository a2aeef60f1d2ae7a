"""What was sent to the instance is what it answers (contract rest-api 3.2 to 3.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..api import Api
from ..case import CURRENT, profiles
from ..checks import check, equal, skip
from ..data import Data


def second(moment: str) -> str:
    """Return a moment of a message as reports show it: in whole seconds, cut."""
    return f"{moment[:19]}Z"


@profiles(*CURRENT)
def test_every_known_cluster_has_just_its_hits(api: Api, data: Data) -> None:
    if not data.inventory.certain:
        skip("the clusters are known from the instance itself")
    for cluster in data.inventory.clusters:
        user = data.user()
        answer = api.ok("report", org_id=cluster.org_id, cluster=cluster.name, user_id=user)
        found = sorted((hit["component"], hit["key"]) for hit in answer["report"]["reports"])
        sent = sorted((hit.rule_id, hit.error_key) for hit in cluster.hits)
        equal(found, sent, f"rules that hit {cluster.name}")
        equal(answer["report"]["meta"]["count"], len(sent) or -1, f"count of {cluster.name}")


@profiles(*CURRENT)
def test_the_details_are_those_sent(api: Api, data: Data) -> None:
    for message in data.produced():
        name, number = message["ClusterName"], message["OrgID"]
        answer = api.ok("report", org_id=number, cluster=name, user_id=data.user())
        sent = {hit["component"]: hit["details"] for hit in message["Report"]["reports"]}
        found = {hit["component"]: hit["details"] for hit in answer["report"]["reports"]}
        equal(found, sent, f"details of {name}")


@profiles(*CURRENT)
def test_the_times_are_those_sent(api: Api, data: Data) -> None:
    for message in data.produced():
        name, number = message["ClusterName"], message["OrgID"]
        answer = api.ok("report", org_id=number, cluster=name, user_id=data.user())
        meta = answer["report"]["meta"]
        equal(meta["last_checked_at"], second(message["LastChecked"]), f"last check of {name}")
        gathered = second(message["Metadata"]["gathering_time"])
        equal(meta.get("gathered_at"), gathered, f"gathering time of {name}")


@profiles(*CURRENT)
def test_a_cluster_is_impacted_since_its_first_report_was_stored(api: Api, data: Data) -> None:
    for message in data.produced():
        params = {"org_id": message["OrgID"], "cluster": message["ClusterName"]}
        params["user_id"] = data.user()
        stored = api.ok("report_info", **params)["metainfo"]["stored_at"]
        for hit in api.ok("report", **params)["report"]["reports"]:
            # both are the moment of the write, but not always of the same second
            apart = datetime.fromisoformat(hit["impacted"]) - datetime.fromisoformat(stored)
            what = f"{hit['component']}: impacted {hit['impacted']}, report stored at {stored}"
            check(abs(apart) <= timedelta(seconds=2), what)


@profiles(*CURRENT)
def test_the_version_is_that_sent(api: Api, data: Data) -> None:
    for message in data.produced():
        name, number = message["ClusterName"], message["OrgID"]
        answer = api.ok("cluster_recommendations", org_id=number, user_id=data.user(), body=[name])
        sent = message["Report"]["info"][0]["details"]["version"]
        equal(answer["clusters"][name]["meta"]["cluster_version"], sent, f"version of {name}")


def test_a_cluster_just_sent_is_listed(api: Api, data: Data) -> None:
    for message in data.produced():
        name, number = message["ClusterName"], message["OrgID"]
        found = api.ok("clusters", organization=number)["clusters"]
        check(name in found, f"{name} is not among the clusters of {number}")
