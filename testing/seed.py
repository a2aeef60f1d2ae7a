"""Seed files: the organizations, clusters, hits and namespaces expected in a database.

`{"organizations": [{"org_id": 1, "clusters": [{"cluster": UUID, "hits": [{"rule_id": "a.b.report",
"error_key": "K"}], "namespaces": [UUID]}]}]}`. Messages make a seed, and a seed makes messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .fixtures import GeneratedMessage
from .messages import START, STEP

GATHERED_BEFORE = timedelta(minutes=5)

Document = dict[str, Any]


class SeedError(Exception):
    """A file is no seed; the text says why."""


@dataclass(slots=True)
class SeedCluster:
    """What is known of a cluster: rule and key of its hits, and its namespaces."""

    org_id: int
    hits: list[tuple[str, str]] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    # None as long as there is no report, or no workloads; else when it was checked
    reported: str | None = None
    looked_at: str | None = None


class Seed:
    """Clusters by name."""

    def __init__(self) -> None:
        self.clusters: dict[str, SeedCluster] = {}

    @classmethod
    def read(cls, file: Path) -> Seed:
        """Read a file; raise SeedError when it is none."""
        seed = cls()
        try:
            for entry in json.loads(file.read_text(encoding="utf-8"))["organizations"]:
                for item in entry["clusters"]:
                    seed.clusters[str(item["cluster"])] = _cluster(int(entry["org_id"]), item)
        except OSError as error:
            raise SeedError(f"cannot read '{file}': {error.strerror}") from error
        except ValueError as error:
            raise SeedError(f"cannot read '{file}': {error}") from error
        except (KeyError, TypeError) as error:
            raise SeedError(f"'{file}' is no seed: {type(error).__name__} {error}") from error
        return seed

    def add(self, made: GeneratedMessage) -> None:
        """Add what storage keeps of a message; a broken one leaves nothing."""
        if made.fault:
            return
        message = json.loads(made.value)
        name, moment = message["ClusterName"], message["LastChecked"]
        cluster = self.clusters.setdefault(name, SeedCluster(message["OrgID"]))
        if made.kind == "ocp" and moment > (cluster.reported or ""):
            cluster.org_id, cluster.reported = message["OrgID"], moment
            hits = {(hit["component"], hit["key"]) for hit in message["Report"]["reports"]}
            cluster.hits = sorted(hits)
        elif made.kind == "dvo" and moment > (cluster.looked_at or ""):
            cluster.looked_at = moment
            cluster.namespaces = _namespaces(message["Metrics"])

    def adding(self, messages: Iterable[GeneratedMessage]) -> Iterator[GeneratedMessage]:
        """Yield the messages, adding each."""
        for made in messages:
            self.add(made)
            yield made

    def document(self) -> Document:
        """Return what is written to a file, everything in order."""
        organizations: dict[int, list[Document]] = {}
        for name, cluster in sorted(self.clusters.items()):
            if cluster.reported is None:
                # the API lists clusters by their reports
                continue
            hits = [{"rule_id": rule, "error_key": key} for rule, key in cluster.hits]
            organizations.setdefault(cluster.org_id, []).append(
                {"cluster": name, "hits": hits, "namespaces": cluster.namespaces}
            )
        return {
            "organizations": [
                {"org_id": org, "clusters": clusters}
                for org, clusters in sorted(organizations.items())
            ]
        }

    def write(self, file: Path) -> None:
        """Write the file; raise OSError."""
        file.write_text(json.dumps(self.document(), indent=1) + "\n", encoding="utf-8")

    def messages(
        self, start: datetime = START, step: timedelta = STEP
    ) -> Iterator[GeneratedMessage]:
        """Yield the messages that bring a database to what the seed says."""
        for kind in ("ocp", "dvo"):
            moment = start
            for name, cluster in sorted(self.clusters.items()):
                if kind == "ocp" or cluster.namespaces:
                    yield GeneratedMessage(kind, _message(kind, name, cluster, moment))
                moment += step


def _cluster(org_id: int, item: Document) -> SeedCluster:
    hits = [(str(hit["rule_id"]), str(hit["error_key"])) for hit in item["hits"]]
    namespaces = [str(name) for name in item.get("namespaces", ())]
    return SeedCluster(org_id, hits, namespaces, reported="")


def _namespaces(metrics: Document) -> list[str]:
    found = {
        workload["namespace_uid"]
        for recommendation in metrics["workload_recommendations"]
        for workload in recommendation["workloads"]
    }
    return sorted(found)


def _message(kind: str, name: str, cluster: SeedCluster, moment: datetime) -> bytes:
    body = (
        {"Report": _report(cluster.hits)}
        if kind == "ocp"
        else {"Metrics": _metrics(cluster.namespaces)}
    )
    message = {
        "OrgID": cluster.org_id,
        "AccountNumber": cluster.org_id,
        "ClusterName": name,
        "LastChecked": _text(moment),
        "Metadata": {"gathering_time": _text(moment - GATHERED_BEFORE)},
        "Version": 2 if kind == "ocp" else 1,
        "RequestId": f"seed-{kind}-{name}",
        **body,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _report(hits: Sequence[tuple[str, str]]) -> Document:
    return {
        "system": {"metadata": {}, "hostname": None},
        "fingerprints": [],
        "skips": [],
        "info": [
            {
                "info_id": "version_info|CLUSTER_VERSION_INFO",
                "key": "CLUSTER_VERSION_INFO",
                "details": {"version": "4.18.1"},
            }
        ],
        "reports": [
            {
                "rule_id": f"{rule.removesuffix('.report').rpartition('.')[2]}|{key}",
                "component": rule,
                "type": "rule",
                "key": key,
                "details": {"type": "rule", "error_key": key},
                "tags": [],
                "links": {},
            }
            for rule, key in hits
        ],
    }


def _metrics(namespaces: Sequence[str]) -> Document:
    key = "DVO_UNSET_CPU_REQUIREMENTS"
    workloads = [
        {
            "namespace": f"namespace-{number}",
            "namespace_uid": uid,
            "kind": "Deployment",
            "name": f"workload-{number}",
            "uid": f"workload-of-{uid}",
        }
        for number, uid in enumerate(namespaces, 1)
    ]
    return {
        "system": {"metadata": {}, "hostname": None},
        "fingerprints": [],
        "workload_recommendations": [
            {
                "response_id": f"unset_cpu_requirements|{key}",
                "component": "ccx_rules_ocp.external.dvo.unset_cpu_requirements.recommendation",
                "key": key,
                "details": {},
                "tags": [],
                "links": {},
                "workloads": workloads,
            }
        ],
    }
