"""What a small, correct instance holds and answers: two organizations, four clusters."""

from __future__ import annotations

import json
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
CHECKED, SENT = "2026-03-01T10:00:00.25Z", "2026-03-01T10:00:00.250000Z"
STORED = "2026-03-01T10:00:07Z"
VERSION = "4.15.3"
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


class Refusal(Exception):
    """A status other than 200, with its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def missing(*names: object, between: str = "/") -> Refusal:
    """Return the refusal for an item that is not there."""
    name = between.join(map(str, names))
    return Refusal(404, f"Item with ID {name} was not found in the storage")


def second(moment: str) -> str:
    return f"{moment[:19]}Z"


def selector(rule: str, key: str) -> str:
    return f"{rule.removesuffix('.report')}|{key}"


def ocp_message(cluster: str) -> Document:
    """Return the message that a cluster's report was made of."""
    hits = [{"component": rule, "key": key, "details": {}} for rule, key in HITS[cluster]]
    info = [{"details": {"version": VERSION}}]
    return {
        "OrgID": OWNERS[cluster], "ClusterName": cluster, "LastChecked": SENT,
        "Report": {"reports": hits, "info": info},
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
        "Metrics": {"workload_recommendations": items},
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


class Model:
    """The clusters that are left, and what was written about them."""

    def __init__(self) -> None:
        self.left = dict(OWNERS)
        self.votes: dict[tuple[str, str, str, str], int] = {}
        self.disabled: dict[tuple[str, str, str], int] = {}
        self.reasons: dict[tuple[str, str, str, str], str] = {}

    def owner(self, cluster: str) -> int:
        """Return who owns a cluster."""
        if cluster not in self.left:
            raise missing(cluster)
        return self.left[cluster]

    def of(self, org: int) -> list[str]:
        """Return the clusters of an organization."""
        return [name for name, owner in self.left.items() if owner == org]

    def delete(self, names: list[str]) -> None:
        """Delete clusters with all that is theirs."""
        for name in names:
            self.left.pop(name, None)
        for table in (self.votes, self.disabled, self.reasons):
            for key in [key for key in table if key[0] in names]:
                del table[key]  # type: ignore[attr-defined]

    def keys(self, cluster: str, rule: str) -> list[str]:
        """Return the keys of a rule that hit a cluster, the empty one for none."""
        return [key for name, key in HITS[cluster] if name == rule] or [""]

    def put_vote(self, cluster: str, rule: str, key: str, user: str, vote: int) -> None:
        """Store a vote as the newest one."""
        self.votes.pop((cluster, rule, key, user), None)
        self.votes[cluster, rule, key, user] = vote

    def vote(self, cluster: str, rule: str, user: str, key: str | None) -> int:
        """Return a vote, the newest on any key when none is named."""
        found = [
            vote
            for (name, of, on, by), vote in self.votes.items()
            if (name, of, by) == (cluster, rule, user) and key in (None, on)
        ]
        if not found:
            raise missing(cluster, rule, user)
        return found[-1]

    def hit(self, cluster: str, rule: str, key: str, user: str) -> Document:
        """Return a hit as reports show it."""
        return {
            "component": rule, "key": key, "details": {},
            "user_vote": self.votes.get((cluster, rule, key, user), 0),
            "disabled": bool(self.disabled.get((cluster, rule, key))),
            "disable_feedback": "", "disabled_at": "",
        }  # fmt: skip

    def report(self, org: int, cluster: str, user: str) -> Document:
        """Return a cluster's report."""
        if self.left.get(cluster) != org:
            raise missing(org, cluster)
        hits = HITS[cluster]
        meta = {"cluster_name": "", "count": len(hits) or -1, "last_checked_at": second(CHECKED)}
        rows = [{**self.hit(cluster, *hit, user), "impacted": STORED} for hit in hits]
        return {"meta": meta, "reports": rows}

    def by_rule(self, org: int, names: list[str]) -> dict[str, list[str]]:
        """Return clusters by recommendation."""
        found: dict[str, list[str]] = {}
        for name in sorted(set(names) & set(self.of(org))):
            for hit in HITS[name]:
                found.setdefault(selector(*hit), []).append(name)
        return dict(sorted(found.items()))

    def by_cluster(self, org: int, names: list[str]) -> Document:
        """Return recommendations by cluster."""
        return {
            name: {
                "created_at": CHECKED,
                "meta": {"cluster_version": VERSION},
                "recommendations": sorted(selector(*hit) for hit in HITS[name]),
            }
            for name in sorted(set(names) & set(self.of(org)))
        }

    def hit_by(self, org: int, rule: str, names: list[str]) -> list[Document]:
        """Return the clusters that a recommendation hits, limited to some when there are any."""
        found = [
            name
            for name in sorted(self.of(org))
            if rule in [selector(*hit) for hit in HITS[name]] and (not names or name in names)
        ]
        if not found:
            raise missing(rule)
        return [
            {
                "cluster": name, "cluster_name": "", "last_checked_at": STORED, "impacted": STORED,
                "meta": {"cluster_version": VERSION},
            }
            for name in found
        ]  # fmt: skip

    def space(self, cluster: str, space: str) -> Document:
        """Return a namespace without what lists and single ones do not share."""
        works = [(item, work) for item in WORKLOADS[cluster] for work in item[3]]
        mine = [(item, work) for item, work in works if work[0] == space]
        return {
            "cluster": {"uuid": cluster, "display_name": ""},
            "namespace": {"uuid": space, "name": mine[0][1][1]},
            "metadata": {
                "recommendations": len({item[0] for item, _ in mine}),
                "objects": len({work[3] for _, work in mine}),
                "reported_at": second(CHECKED), "last_checked_at": second(CHECKED),
                "highest_severity": 0, "hits_by_severity": None,
            },
        }  # fmt: skip

    def spaces(self, org: int, names: list[str] | None) -> list[Document] | None:
        """Return the namespaces of an organization."""
        found = []
        for name in sorted(self.of(org)):
            if names is None or name in names:
                for space in namespaces(name):
                    counts = {one["check"]: len(one["objects"]) for one in self.advice(name, space)}
                    found.append({**self.space(name, space), "recommendations_hit_count": counts})
        return found or None

    def advice(self, cluster: str, space: str) -> list[Document]:
        """Return the recommendations for a namespace."""
        empty = dict.fromkeys(("details", "resolution", "modified", "more_info"), "")
        return [
            {
                "check": f"{check}|{key}", **empty, "extra_data": json.loads(json.dumps(details)),
                "objects": [
                    {"kind": kind, "uid": uid, "display_name": name}
                    for of, _, kind, uid, name in works if of == space
                ],
            }
            for check, key, details, works in WORKLOADS[cluster]
            if any(work[0] == space for work in works)
        ]  # fmt: skip
