"""Handlers of reports: one, its summary, one of its rules, several."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from ..errors import InvalidInput
from ..model import (
    ClusterId,
    OrgId,
    ReadHit,
    RuleHit,
)
from . import body, rendering
from .base import ApiHandler
from .params import report_clusters, rule_with_key
from .slices import in_slices
from .times import seconds

# indenting a report blocks the event loop for a fraction of a millisecond
REPORTS_IN_A_SLICE = 20


class ReportHandler(ApiHandler):
    """A cluster's report as one user sees it (contract rest-api 3.2)."""

    async def get(self) -> None:
        """Answer with all hits; nothing is filtered here."""
        cluster, user, org = self.cluster(), self.user_id(), self.org_id()
        report = await self.storage.reports.read(org, cluster, user)
        meta: dict[str, Any] = {"cluster_name": "", "count": len(report.hits) or -1}
        if report.last_checked_at is not None:
            meta["last_checked_at"] = seconds(report.last_checked_at)
        if report.gathered_at is not None:
            meta["gathered_at"] = seconds(report.gathered_at)
        self.ok(report={"meta": meta, "reports": [_document(hit) for hit in report.hits]})


def _document(read: ReadHit) -> dict[str, Any]:
    return {
        "component": read.hit.rule_id,
        "key": read.hit.error_key,
        "user_vote": read.vote,
        "disabled": read.disabled,
        "disable_feedback": read.reason,
        "disabled_at": seconds(read.reason_at) if read.reason_at else "",
        "details": rendering.embedded(read.hit.template_data),
        "impacted": seconds(read.hit.created_at),
    }


class ReportInfoHandler(ApiHandler):
    """How many hits a cluster has and when it was seen."""

    async def get(self) -> None:
        """Answer with count and times."""
        cluster, org = self.cluster(), self.org_id()
        info = await self.storage.reports.info(org, cluster)
        self.ok(
            metainfo={
                "count": info.count or -1,
                "last_checked_at": seconds(info.last_checked_at) if info.last_checked_at else "",
                "stored_at": seconds(info.stored_at) if info.stored_at else "",
            }
        )


class RuleHandler(ApiHandler):
    """One hit of a cluster (contract rest-api 3.3)."""

    async def get(self) -> None:
        """Answer with the hit."""
        cluster, user, org = self.cluster(), self.user_id(), self.org_id()
        rule, key = rule_with_key(self.raw_params["rule_id"])
        found = await self.storage.reports.rule(org, RuleHit(cluster, rule, key), user)
        self.ok(
            report={
                "component": rule,
                "key": key,
                "user_vote": found.vote,
                "disabled": found.disabled,
                "disable_feedback": found.reason,
                "disabled_at": seconds(found.disabled_at) if found.toggled else "",
                "details": rendering.embedded(found.template_data),
            }
        )


class ReportsHandler(ApiHandler):
    """Reports of several clusters (contract rest-api 3.4)."""

    async def answer_for(self, org: OrgId, items: list[str]) -> None:
        """Answer with the reports of these clusters."""
        clusters = report_clusters(items)
        found = await self.storage.reports.read_many(org, clusters) if clusters else {}
        if self.scope() is not None:
            # a cluster of another organization is as unknown as any other
            found = {cluster: row for cluster, row in found.items() if row[0] == org}
        if any(owner != org for owner, _ in found.values()):
            raise InvalidInput("Improper organization ID")
        reports: dict[ClusterId, bytes] = {}
        async for part in in_slices(list(found.items()), REPORTS_IN_A_SLICE):
            for cluster, (_, text) in part:
                with suppress(ValueError):
                    reports[cluster] = rendering.indented(text, 2)
        self.send(report_document(clusters, reports))


class ReportsByPathHandler(ReportsHandler):
    """The variant with the clusters in the path, separated by commas."""

    async def get(self) -> None:
        """Answer for the clusters in the path."""
        await self.answer_for(self.org_id(), self.raw_params["cluster_list"].split(","))


class ReportsByBodyHandler(ReportsHandler):
    """The variant with the clusters in the body."""

    async def post(self) -> None:
        """Answer for the clusters in the body."""
        org = self.org_id()
        await self.answer_for(org, body.field_names(self.json_body(), "clusters"))


def report_document(clusters: list[ClusterId], reports: Mapping[ClusterId, bytes]) -> bytes:
    """Return the one answer that is indented with TABs and ends without a line feed."""
    known = [cluster for cluster in clusters if cluster in reports]
    unknown = [cluster for cluster in clusters if cluster not in reports]
    members = [
        rendering.escaped(orjson.dumps(cluster)) + b": " + reports[cluster]
        for cluster in sorted(reports)
    ]
    body = b"{\n\t\t" + b",\n\t\t".join(members) + b"\n\t}" if members else b"{}"
    return _FRAME % (_listed(known), _listed(unknown), body)


_FRAME = (
    b'{\n\t"clusters": %s,\n\t"errors": %s,\n\t"reports": %s,\n'
    b'\t"generated_at": "",\n\t"status": "ok"\n}'
)


def _listed(clusters: list[ClusterId]) -> bytes:
    return rendering.indented(orjson.dumps(clusters or None).decode(), 1)
