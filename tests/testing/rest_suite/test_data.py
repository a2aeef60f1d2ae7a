"""Where data come from: found by reading, known from a seed, sent through Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from testing.rest_suite.case import DEPARTURES
from testing.rest_suite.checks import Skipped
from testing.rest_suite.credentials import Nobody
from testing.rest_suite.data import (
    Cluster,
    Data,
    Hit,
    Inventory,
    Organization,
    Workload,
)
from testing.rest_suite.probe import Unreachable, UsageError
from testing.rest_suite.sources import kafka
from testing.rest_suite.sources.discovery import discover, spread
from testing.rest_suite.sources.seed_file import seeded

from .canned_instance import (
    API,
    CLUSTER,
    HIT,
    INVENTORY,
    OTHER,
    REPORT,
    answer,
    api,
)

OLD = "93ae3e7f-5010-5d08-9896-45e83db721a1"
EMPTY = {
    "report": {
        "meta": {"cluster_name": "", "count": -1, "last_checked_at": "2026-03-01T10:00:00Z"},
        "reports": [],
    },
    "status": "ok",
}


def instance() -> None:
    """Let an organization have a cluster with a hit, one without, and an old one."""
    answer("organizations", {"organizations": [101], "status": "ok"})
    answer("organizations/101/clusters", {"clusters": [CLUSTER, OTHER], "status": "ok"})
    entry = {"created_at": "2026-03-01T10:00:00Z", "meta": {"cluster_version": ""}}
    found = {
        CLUSTER: {**entry, "recommendations": ["a.rule|KEY"]},
        OTHER: {**entry, "recommendations": []},
    }
    answer(
        "clusters/organizations/101/users/rest-suite/recommendations",
        {"clusters": found, "status": "ok"},
        method="POST",
    )
    answer("rules/organizations/101/disabled", {"rules": [], "status": "ok"})
    space = {
        "cluster": {"uuid": OLD, "display_name": ""},
        "namespace": {"uuid": "space", "name": "billing"},
        "metadata": {
            "recommendations": 1, "objects": 1,
            "reported_at": "2026-03-01T10:00:00Z", "last_checked_at": "2026-03-01T10:00:00Z",
            "highest_severity": 0, "hits_by_severity": None,
        },
        "recommendations_hit_count": {},
    }  # fmt: skip
    answer("organization/101/workloads", {"status": "ok", "workloads": [space]})
    for name, report in ((CLUSTER, REPORT), (OTHER, EMPTY), (OLD, EMPTY)):
        answer(f"organizations/101/clusters/{name}/users/rest-suite/report", report)


@responses.activate
def test_organizations_clusters_hits_and_workloads_are_found_by_reading() -> None:
    instance()
    found = discover(api())
    assert found.organizations == (
        Organization(
            101,
            (Cluster(101, CLUSTER, (HIT,)), Cluster(101, OTHER), Cluster(101, OLD, listed=False)),
            (Workload(101, OLD, "space"),),
        ),
    )


@responses.activate
def test_the_organization_of_the_token_is_the_only_one_looked_at() -> None:
    instance()
    found = discover(api(credentials=Nobody(101), debug=False))
    assert [organization.org_id for organization in found.organizations] == [101]


@responses.activate
def test_an_instance_without_debug_needs_an_organization() -> None:
    with pytest.raises(UsageError, match="name one with --org"):
        discover(api(debug=False))


@responses.activate
def test_an_instance_that_answers_nonsense_is_still_looked_at() -> None:
    answer("organizations", {"organizations": [101], "status": "ok"})
    answer("organizations/101/clusters", "nonsense")
    assert discover(api()).organizations == (Organization(101),)


@responses.activate
def test_requests_that_fail_are_kept_for_a_case_to_tell() -> None:
    answer("organizations", {"organizations": [101], "status": "ok"})
    answer("organizations/101/clusters", {"status": "Internal Server Error"}, status=500)
    answer("organization/101/workloads", {"status": "x"}, status=404)
    answer("rules/organizations/101/disabled", {"rules": [], "status": "ok"})
    assert discover(api()).failed == (f"GET {API}organizations/101/clusters -> 500",)


@responses.activate
def test_a_wrong_list_of_organizations_is_a_case_s_to_tell() -> None:
    answer("organizations", {"organizations": [101], "status": "ok"}, kind="text/html")
    assert discover(api()).organizations == ()


def test_a_choice_is_from_all_over_the_list() -> None:
    assert spread(range(100), 3) == [0, 49, 99]
    assert spread([1, 2], 3) == [1, 2]


def test_what_is_not_there_skips_the_case_with_the_reason() -> None:
    data = Data(Inventory((Organization(101, (Cluster(101, CLUSTER),)),)))
    assert data.empty_cluster() == data.cluster() == Cluster(101, CLUSTER)
    for ask, reason in (
        (data.hit, "1 rule hits are needed, 0 are known"),
        (data.own_hit, "1 rule hits are needed"),
        (data.workload, "1 namespaces with workloads are needed"),
        (data.produced, "nothing was sent"),
        (lambda: data.clusters(2), "2 clusters of an organization are needed, 1 are known"),
    ):
        with pytest.raises(Skipped, match=reason):
            ask()


def test_a_disabled_hit_is_not_given_to_writers() -> None:
    hit = Hit(101, CLUSTER, "a.rule.report", "KEY", disabled=True)
    data = Data(Inventory((Organization(101, (Cluster(101, CLUSTER, (hit,)),)),)))
    with pytest.raises(Skipped, match="all rule hits known are disabled"):
        data.own_hit()


def test_what_is_made_up_is_new_each_time() -> None:
    data = Data(INVENTORY)
    assert data.user() != data.user()
    assert data.rule() != data.rule()
    assert data.unknown_cluster() != data.unknown_cluster()
    assert data.unknown_organization() not in {101}


def seed_file(folder: Path, document: object) -> str:
    """Return the name of a file with a seed."""
    file = folder / "seed.json"
    file.write_text(json.dumps(document))
    return str(file)


SEED = {
    "organizations": [
        {
            "org_id": 101,
            "clusters": [
                {
                    "cluster": CLUSTER,
                    "hits": [{"rule_id": "a.rule.report", "error_key": "KEY"}],
                    "namespaces": ["space"],
                }
            ],
        },
        {"org_id": 102, "clusters": []},
    ]
}


def test_a_seed_is_known_to_be_there(tmp_path: Path) -> None:
    found = seeded(seed_file(tmp_path, SEED))
    assert found.certain
    assert found.organizations[0].clusters == (Cluster(101, CLUSTER, (HIT,), listed=False),)
    assert found.organizations[0].workloads == (Workload(101, CLUSTER, "space"),)
    only = seeded(seed_file(tmp_path, SEED), 102)
    assert [organization.org_id for organization in only.organizations] == [102]


@pytest.mark.parametrize(
    "document", [[], {}, {"organizations": [{}]}, {"organizations": [{"org_id": "x"}]}]
)
def test_a_file_that_is_no_seed_is_told(tmp_path: Path, document: object) -> None:
    with pytest.raises(UsageError, match=r"seed\.json"):
        seeded(seed_file(tmp_path, document))
    with pytest.raises(UsageError, match=r"absent\.json"):
        seeded(str(tmp_path / "absent.json"))
    with pytest.raises(UsageError, match="nothing of organization 7"):
        seeded(seed_file(tmp_path, SEED), 7)


@pytest.mark.parametrize(
    ("url", "topics"),
    [
        ("kafka://h:9092/ocp", kafka.Topics("h:9092", "ocp")),
        ("kafka://h:9092,i:9092/ocp?dvo=other", kafka.Topics("h:9092,i:9092", "ocp", "other")),
    ],
)
def test_topics_are_read(url: str, topics: kafka.Topics) -> None:
    assert kafka.parse(url) == topics


@pytest.mark.parametrize("url", ["kafka:", "kafka://h:9092", "kafka:///t", "kafka://h/t?x=1"])
def test_a_url_of_no_topic_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--data"):
        kafka.parse(url)


def test_what_is_sent_is_what_the_cases_look_for() -> None:
    ocp, dvo = kafka.messages(seed=1)
    found = kafka.inventory(ocp, dvo, "sent")
    assert len(found.organizations) == kafka.ORGANIZATIONS
    assert len(found.clusters) == kafka.CLUSTERS
    assert {cluster.name for cluster in found.clusters} == {m["ClusterName"] for m in ocp}
    assert [cluster for cluster in found.clusters if not cluster.hits]
    assert [cluster for cluster in found.clusters if cluster.hits]
    assert {m["ClusterName"]: m["OrgID"] for m in ocp} == {
        m["ClusterName"]: m["OrgID"] for m in dvo
    }
    numbers = {m["OrgID"] for m in ocp}
    assert all(kafka.FIRST <= number < 2**31 for number in numbers)
    assert found.produced == tuple(ocp)
    assert kafka.messages(seed=1)[0][0]["OrgID"] == ocp[0]["OrgID"]


def test_everything_is_sent_as_the_only_organization_of_the_token() -> None:
    ocp, dvo = kafka.messages(seed=1, organization=7)
    assert {message["OrgID"] for message in ocp + dvo} == {7}


@responses.activate
def test_what_never_becomes_readable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(kafka, "WAIT_SECONDS", 0)
    monkeypatch.setattr(kafka, "_send", lambda *arguments: sent.append(arguments))
    with pytest.raises(Unreachable, match="12 of 12 clusters sent to 'ocp'"):
        kafka.produced(api(profile=DEPARTURES), kafka.Topics("h:1", "ocp"))
    assert len(sent) == 1
