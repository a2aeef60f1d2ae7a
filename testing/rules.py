"""Rules of a fictional rules engine: names, and the details of their hits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

OCP_PACKAGE = "ccx_rules_ocp.external.rules"
OPERATORS = ("authentication", "console", "image-registry", "ingress", "monitoring", "network")

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
