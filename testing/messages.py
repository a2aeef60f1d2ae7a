"""Realistic OCP and DVO messages without end, made from a number: same number, same bytes.

A fleet of organizations and clusters is drawn first; then one cluster after the other reports.
Most of a cluster's problems stay from one report to the next, some go, some come: as in life.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=1)
OCP_PACKAGE = "ccx_rules_ocp.external.rules"
DVO_PACKAGE = "ccx_rules_ocp.external.dvo"
VERSIONS = ("4.14.38", "4.15.22", "4.16.9", "4.17.3", "4.18.1")
OPERATORS = ("authentication", "console", "image-registry", "ingress", "monitoring", "network")
KINDS = ("Deployment", "DeploymentConfig", "StatefulSet", "DaemonSet")

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the engine: how it is called and what it says of a cluster that it hits."""

    name: str
    key: str
    solution: int
    details: Callable[[random.Random], JsonObject]

    @property
    def component(self) -> str:
        """Return the name under which the engine reports it."""
        return f"{OCP_PACKAGE}.{self.name}.report"


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
) -> Iterator[bytes]:
    """Yield OCP messages for ever; `start` and `step` tell when the clusters were checked."""
    chance = random.Random(seed)
    fleet = make_fleet(chance, clusters, organizations)
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
) -> Iterator[bytes]:
    """Yield DVO messages for ever; with the same arguments it is the fleet of `ocp_messages`."""
    chance = random.Random(seed)
    fleet = make_fleet(chance, clusters, organizations)
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


def make_fleet(chance: random.Random, clusters: int, organizations: int) -> list[Cluster]:
    """Return clusters spread over organizations, a few of them with most, as customers are."""
    owners = [(1000 + n, 500000 + n) for n in range(1, organizations + 1)]
    weights = [1 / n for n in range(1, organizations + 1)]
    fleet = []
    for number in range(clusters):
        organization, account = (
            owners[number] if number < organizations else chance.choices(owners, weights)[0]
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
        return chance.sample(RULES, chance.choice((0, 1, 2, 3, 3, 4, 5)))
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


def _nodes(chance: random.Random) -> JsonObject:
    nodes = [
        {"name": _node(chance), "role": "worker", "memory": chance.randint(4, 12), "memory_req": 16}
        for _ in range(chance.randint(1, 6))
    ]
    return {"nodes": nodes}


def _operator(chance: random.Random) -> JsonObject:
    return {"op": {"name": chance.choice(OPERATORS), "degraded": True, "version": None}}


def _pods(chance: random.Random) -> JsonObject:
    return {"pods": [f"openshift-{_node(chance)}" for _ in range(chance.randint(1, 8))]}


def _nothing(_: random.Random) -> JsonObject:
    return {}


def _node(chance: random.Random) -> str:
    return f"ip-10-0-{chance.randint(0, 255)}-{chance.randint(0, 255)}.internal"


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _encoded(message: JsonObject) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


RULES = (
    Rule("nodes_requirements_check", "NODES_MINIMUM_REQUIREMENTS_NOT_MET", 4569190, _nodes),
    Rule("nodes_kubelet_version_check", "NODE_KUBELET_VERSION", 4602641, _nodes),
    Rule("cluster_wide_proxy_auth_check", "AUTH_OPERATOR_PROXY_ERROR", 4569191, _operator),
    Rule("samples_op_failed_image_import_check", "SAMPLES_FAILED_IMAGE_IMPORT_ERR", 4563171, _pods),
    Rule("image_registry_pv_low_capacity", "PV_LOW_CAPACITY", 4694031, _operator),
    Rule("machineconfig_stuck_by_node_taints", "NODE_HAS_TAINTS_APPLIED", 5005571, _nodes),
    Rule("master_defined_as_machinesets", "MASTER_DEFINED_AS_MACHINESETS", 4976791, _nodes),
    Rule("etcd_high_fsync_latency", "ETCD_HIGH_FSYNC", 4770281, _pods),
    Rule("pods_crash_looping", "POD_CRASH_LOOP", 4618011, _pods),
    Rule("operator_unmanaged", "OPERATOR_UNMANAGED", 4601791, _operator),
    Rule("csr_pending", "CSR_PENDING", 4307511, _nodes),
    Rule("no_default_storage_class", "NO_DEFAULT_STORAGE_CLASS", 4651451, _nothing),
)
WORKLOAD_CHECKS = (
    "no_anti_affinity",
    "run_as_non_root",
    "unset_cpu_requirements",
    "unset_memory_requirements",
    "no_liveness_probe",
    "no_readiness_probe",
    "latest_tag",
    "minimum_replicas",
)
