"""A small seed whose every name is known: two organizations, four clusters, their namespaces."""

from __future__ import annotations

from typing import Any

from testing.rest_suite.data import (
    Cluster,
    Hit,
    Inventory,
    Organization,
    Workload,
)

OWN, OTHER = 101, 102
ALPHA = "0a332b89-da0e-59d5-ad16-1eba16cd4adc"
BETA = "1b6d51e4-487b-518b-bf22-fc4428fd31e1"
GAMMA = "2c20532c-ea64-51aa-97f2-c908cdd8b549"
DELTA = "3d24f8ac-b528-4f0f-8d62-f95cfd491234"
HITS = {
    ALPHA: (("a.one.report", "KEY_1"), ("a.two.report", "KEY_2")),
    BETA: (("a.one.report", "KEY_1"),),
    GAMMA: (),
    DELTA: (("a.one.report", "KEY_1"),),
}
OWNERS = {ALPHA: OWN, BETA: OWN, GAMMA: OWN, DELTA: OTHER}
SENT = "2026-03-01T10:00:00.250000Z"
VERSION = "4.15.3"
EMPTY_REPORT: dict[str, Any] = {"system": {"metadata": {}, "hostname": None}, "fingerprints": []}
# cluster: (check, key, details, ((namespace uid, namespace, kind, uid, name), ...))
WORKLOADS: dict[str, tuple[Any, ...]] = {
    ALPHA: (
        ("x.probe", "PROBE", {"a": 1, "b": [2]}, (("s-1", "one", "Pod", "u-1", "api"),
                                                  ("s-1", "one", "Pod", "u-2", "web"),
                                                  ("s-2", "two", "Job", "u-3", "run"))),
        ("x.limit", "LIMIT", {"c": 3}, (("s-1", "one", "Pod", "u-1", "api"),
                                        ("s-2", "two", "Job", "u-3", "run"))),
    ),
    BETA: (("x.limit", "LIMIT", {"c": 4}, (("s-3", "three", "Pod", "u-4", "db"),)),),
    DELTA: (("x.limit", "LIMIT", {"c": 5}, (("s-4", "four", "Pod", "u-5", "db"),)),),
}  # fmt: skip

Document = dict[str, Any]


def ocp_message(cluster: str) -> Document:
    """Return the message that a cluster's report was made of."""
    hits = [{"component": rule, "key": key, "details": {}} for rule, key in HITS[cluster]]
    key = "CLUSTER_VERSION_INFO"
    info = [{"info_id": f"version_info|{key}", "key": key, "details": {"version": VERSION}}]
    return {
        "OrgID": OWNERS[cluster], "ClusterName": cluster, "LastChecked": SENT,
        "Report": {**EMPTY_REPORT, "skips": [], "reports": hits, "info": info},
    }  # fmt: skip


def dvo_message(cluster: str) -> Document:
    """Return the message that a cluster's workloads were made of."""
    names = ("namespace_uid", "namespace", "kind", "uid", "name")
    items = [
        {
            "component": f"{check}.recommendation", "key": key, "details": details,
            "workloads": [dict(zip(names, work, strict=True)) for work in works],
        }
        for check, key, details, works in WORKLOADS[cluster]
    ]  # fmt: skip
    return {
        "OrgID": OWNERS[cluster], "ClusterName": cluster, "LastChecked": SENT,
        "Metrics": {**EMPTY_REPORT, "workload_recommendations": items},
    }  # fmt: skip


def namespaces(cluster: str) -> list[str]:
    """Return the namespaces of a cluster, in the order of their names."""
    found = {work[0] for item in WORKLOADS.get(cluster, ()) for work in item[3]}
    return sorted(found)


def inventory(**changes: Any) -> Inventory:
    """Return what the suite knows of the instance."""
    organizations = []
    for number in (OWN, OTHER):
        names = [name for name in HITS if OWNERS[name] == number]
        clusters = [
            Cluster(number, name, tuple(Hit(number, name, *hit) for hit in HITS[name]))
            for name in names
        ]
        spaces = [Workload(number, name, space) for name in names for space in namespaces(name)]
        organizations.append(Organization(number, tuple(clusters), tuple(spaces)))
    known: Document = {
        "certain": True,
        "produced": tuple(map(ocp_message, HITS)),
        "produced_workloads": tuple(map(dvo_message, WORKLOADS)),
        **changes,
    }
    return Inventory(tuple(organizations), "canned", **known)
