"""Generates endless realistic OCP and DVO messages from a seed; equal seeds give equal bytes.

A fleet of organizations and clusters is drawn first; then one cluster after the other reports.
Most of a cluster's problems stay from one report to the next, some go, some come: as in life.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from .rules import (
    OPERATORS,
    RULES,
    WORKLOAD_CHECKS,
    JsonObject,
    Rule,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=1)
FIRST_ORGANIZATION = 1001
DVO_PACKAGE = "ccx_rules_ocp.external.dvo"
VERSIONS = ("4.14.38", "4.15.22", "4.16.9", "4.17.3", "4.18.1")
KINDS = ("Deployment", "DeploymentConfig", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of the fleet: its problems may change, its name and owner do not."""

    name: str
    organization: int
    account: int
    version: str
    namespaces: tuple[tuple[str, str], ...]


def ocp_messages(
    seed: int,
    *,
    clusters: int = 50,
    organizations: int = 5,
    start: datetime = START,
    step: timedelta = STEP,
    first_organization: int = FIRST_ORGANIZATION,
) -> Iterator[bytes]:
    """Yield OCP messages for ever; `start` and `step` tell when the clusters were checked."""
    chance = random.Random(seed)
    fleet = make_fleet(chance, clusters, organizations, first_organization)
    problems: dict[str, list[Rule]] = {cluster.name: [] for cluster in fleet}
    moment = start
    while True:
        for cluster in chance.sample(fleet, len(fleet)):
            problems[cluster.name] = _next_problems(chance, problems[cluster.name])
            yield _encoded(
                {
                    **_envelope(chance, cluster, moment, version=2),
                    "Metadata": {"gathering_time": _text(moment - timedelta(minutes=5))},
                    "Report": _ocp_report(chance, cluster, problems[cluster.name]),
                }
            )
            moment += step


def dvo_messages(
    seed: int,
    *,
    clusters: int = 50,
    organizations: int = 5,
    start: datetime = START,
    step: timedelta = STEP,
    first_organization: int = FIRST_ORGANIZATION,
) -> Iterator[bytes]:
    """Yield DVO messages for ever; with the same arguments it is the fleet of `ocp_messages`."""
    chance = random.Random(seed)
    fleet = make_fleet(chance, clusters, organizations, first_organization)
    moment = start
    while True:
        for cluster in chance.sample(fleet, len(fleet)):
            yield _encoded(
                {
                    **_envelope(chance, cluster, moment, version=1),
                    "Metadata": {"gathering_time": _text(moment - timedelta(minutes=5))},
                    "Metrics": _dvo_metrics(chance, cluster),
                }
            )
            moment += step


def make_fleet(
    chance: random.Random,
    clusters: int,
    organizations: int,
    first_organization: int = FIRST_ORGANIZATION,
) -> list[Cluster]:
    """Return clusters spread over organizations, a few of them with most, as customers are."""
    owners = [(first_organization + n, 500001 + n) for n in range(organizations)]
    weights = list(accumulate(1 / n for n in range(1, organizations + 1)))
    fleet = []
    for number in range(clusters):
        organization, account = (
            owners[number]
            if number < organizations
            else chance.choices(owners, cum_weights=weights)[0]
        )
        fleet.append(
            Cluster(
                name=_uuid(chance),
                organization=organization,
                account=account,
                version=chance.choice(VERSIONS),
                namespaces=tuple(
                    (f"{chance.choice(OPERATORS)}-{n}", _uuid(chance))
                    for n in range(chance.randint(1, 4))
                ),
            )
        )
    return fleet


def _next_problems(chance: random.Random, present: list[Rule]) -> list[Rule]:
    """Return the rules that hit a cluster now, given those that hit it the last time."""
    if not present:
        return chance.sample(RULES, chance.choice((0, 1, 2, 3, 4, 5, 6)))
    stay = [rule for rule in present if chance.random() < 0.85]
    absent = [rule for rule in RULES if rule not in present]
    come = chance.sample(absent, min(len(absent), chance.choice((0, 0, 0, 1, 1, 2))))
    return stay + come


def _ocp_report(chance: random.Random, cluster: Cluster, problems: list[Rule]) -> JsonObject:
    """Return what the rules engine says of a cluster; `skips` are most of its size."""
    key = "CLUSTER_VERSION_INFO"
    version_info = {"version": cluster.version, "type": "info", "info_key": key}
    return {
        "system": {"metadata": {}, "hostname": None},
        "reports": [_hit(chance, rule) for rule in problems],
        "fingerprints": [],
        "skips": [_skip(rule) for rule in RULES if rule not in problems],
        "info": [
            {
                "info_id": f"version_info|{key}",
                "component": "ccx_rules_ocp.info.version_info.report",
                "type": "info",
                "key": key,
                "details": version_info,
                "tags": [],
                "links": {},
            }
        ],
        "pass": [],
        "analysis_metadata": {"start": _text(START), "finish": _text(START + STEP)},
    }


def _hit(chance: random.Random, rule: Rule) -> JsonObject:
    """Return a rule hit with details of this cluster."""
    link = f"https://access.redhat.com/solutions/{rule.solution}"
    return {
        "rule_id": f"{rule.name}|{rule.key}",
        "component": rule.component,
        "type": "rule",
        "key": rule.key,
        "details": {**rule.details(chance), "kcs": link, "type": "rule", "error_key": rule.key},
        "tags": ["openshift", "service_availability"],
        "links": {"kcs": [link]},
    }


def _skip(rule: Rule) -> JsonObject:
    """Return the engine's remark on a rule that had nothing to look at."""
    return {
        "rule_fqdn": rule.component,
        "reason": "MISSING_REQUIREMENTS",
        "details": f"All: ['ccx_ocp_core.specs.must_gather.{rule.name.title()}MG'] Any: ",
        "type": "skip",
    }


def _dvo_metrics(chance: random.Random, cluster: Cluster) -> JsonObject:
    """Return what the engine says of a cluster's workloads."""
    checks = chance.sample(WORKLOAD_CHECKS, chance.randint(1, 4))
    return {
        "system": {"metadata": {}, "hostname": None},
        "fingerprints": [],
        "version": 1,
        "analysis_metadata": {},
        "workload_recommendations": [_recommendation(chance, cluster, name) for name in checks],
    }


def _recommendation(chance: random.Random, cluster: Cluster, name: str) -> JsonObject:
    """Return one recommendation with the workloads that it concerns."""
    key = f"DVO_{name.upper()}"
    return {
        "response_id": f"{name}|{key}",
        "component": f"{DVO_PACKAGE}.{name}.recommendation",
        "key": key,
        "details": {"check_name": name.replace("_", "-"), "samples": chance.randint(1, 9)},
        "tags": [],
        "links": {"jira": [], "product_documentation": []},
        "workloads": [_workload(chance, cluster) for _ in range(chance.randint(1, 5))],
    }


def _workload(chance: random.Random, cluster: Cluster) -> JsonObject:
    """Return a workload somewhere in the cluster."""
    namespace, uid = chance.choice(cluster.namespaces)
    return {
        "namespace": namespace,
        "namespace_uid": uid,
        "kind": chance.choice(KINDS),
        "name": f"{chance.choice(OPERATORS)}-{chance.randint(0, 99)}",
        "uid": _uuid(chance),
    }


def _envelope(
    chance: random.Random, cluster: Cluster, moment: datetime, *, version: int
) -> JsonObject:
    """Return what both kinds of message have in common."""
    return {
        "OrgID": cluster.organization,
        "AccountNumber": cluster.account,
        "ClusterName": cluster.name,
        "LastChecked": _text(moment),
        "Version": version,
        "RequestId": f"{chance.getrandbits(128):032x}",
    }


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _encoded(message: JsonObject) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
