"""Handlers of DVO workload recommendations per namespace."""

from __future__ import annotations

from typing import Any

from ..model import NamespaceRow
from . import body, workload_report
from .base import ApiHandler
from .times import seconds


class WorkloadsHandler(ApiHandler):
    """The namespaces of an organization (contract rest-api 5)."""

    lists_names = True

    async def get(self) -> None:
        """List all of them; null stands for none. A body is ignored."""
        found = self.storage.dvo.of_org(self.org_id(), None)
        await self.ok_listed("workloads", found, _listed, empty=b"null")

    async def post(self) -> None:
        """List those of the clusters in the body; an empty list there gives an empty list."""
        org = self.org_id()
        clusters = await body.names_in_slices(await self.json_body())
        found = self.storage.dvo.of_org(org, clusters)
        empty = b"null" if clusters else b"[]"
        await self.ok_listed("workloads", found, _listed, empty=empty)


class NamespaceWorkloadsHandler(ApiHandler):
    """One namespace with its recommendations."""

    async def get(self) -> None:
        """Answer with the namespace."""
        org, cluster, namespace = self.org_id(), self.cluster(), self.namespace()
        row = await self.storage.dvo.of_namespace(org, cluster, namespace)
        found = workload_report.recommendations(row.text, row.namespace)
        self.ok(workloads={"status": "", **_document(row), "recommendations": found})


def _document(row: NamespaceRow) -> dict[str, Any]:
    return {
        "cluster": {"uuid": row.cluster, "display_name": ""},
        "namespace": {"uuid": row.namespace, "name": row.name},
        "metadata": {
            "recommendations": row.recommendations,
            "objects": row.objects,
            "reported_at": seconds(row.reported_at),
            "last_checked_at": seconds(row.last_checked_at),
            "highest_severity": 0,
            "hits_by_severity": None,
        },
    }


def _listed(row: NamespaceRow) -> dict[str, Any]:
    hits = row.hits
    if isinstance(hits, dict):
        hits = dict(sorted(hits.items()))
    return {**_document(row), "recommendations_hit_count": hits}
