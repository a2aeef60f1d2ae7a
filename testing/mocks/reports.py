"""In-memory storage of OCP reports: SQLite for reports, dictionaries for users' rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aggregator.errors import NotFound
from aggregator.model import (
    ClusterId,
    ErrorKey,
    OrgId,
    ReadHit,
    Report,
    ReportInfo,
    ReportText,
    RuleHit,
    RuleId,
    SingleRule,
    StoredReport,
    UserId,
    Vote,
)
from aggregator.parts import Parts
from aggregator.storage import Orgs, Reports

from .feedback import MemoryFeedback
from .toggles import MemoryToggles
from .votes import MemoryVotes

_Keys = set[tuple[RuleId, ErrorKey]]


class MemoryReports:
    """Reports in SQL; votes, toggles and feedback in dictionaries (contract rest-api 3)."""

    def __init__(
        self,
        sql: Reports,
        orgs: Orgs,
        votes: MemoryVotes,
        toggles: MemoryToggles,
        reasons: MemoryFeedback,
    ) -> None:
        self._sql = sql
        self._orgs = orgs
        self._votes = votes
        self._toggles = toggles
        self._reasons = reasons

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store the reports; users' rows move with their cluster."""
        owners = {report.cluster: await self._owner(report.cluster) for report in reports}
        stored = await self._sql.store(reports)
        for report, was_stored in zip(reports, stored, strict=True):
            if not was_stored:
                continue
            if owners[report.cluster] not in (None, report.org):
                for part in (self._votes, self._toggles, self._reasons):
                    part.rows.move(report.cluster, report.org)
            owners[report.cluster] = report.org
        return stored

    async def _owner(self, cluster: ClusterId) -> OrgId | None:
        try:
            return await self._orgs.owner(cluster)
        except NotFound:
            return None

    async def read(self, org: OrgId, cluster: ClusterId, user: UserId) -> StoredReport:
        """Read the report, and what the user said of each rule."""
        stored = await self._sql.read(org, cluster, user)
        keys = {(one.hit.rule_id, one.hit.error_key) for one in stored.hits}
        hits = tuple(self._seen(org, cluster, user, one, keys) for one in stored.hits)
        return replace(stored, hits=hits)

    def _seen(
        self, org: OrgId, cluster: ClusterId, user: UserId, read: ReadHit, keys: _Keys
    ) -> ReadHit:
        """Return the hit with the user's word on the same key first, else the newest one."""
        rule, key = read.hit.rule_id, read.hit.error_key
        vote = max(
            self._votes.of_rule(user, cluster, rule),
            key=lambda row: (row.hit.error_key == key, row.at),
            default=None,
        )
        # disable feedback counts only if its own key is a hit, too
        reasons = [
            row
            for row in self._reasons.of_rule(user, cluster, rule)
            if (rule, row.hit.error_key) in keys
        ]
        reason = max(
            reasons, key=lambda row: (row.hit.error_key == key, row.updated_at), default=None
        )
        return ReadHit(
            read.hit,
            vote.vote if vote else Vote.NONE,
            self._toggles.is_disabled(org, RuleHit(cluster, rule, key)),
            reason.message if reason else "",
            reason.updated_at if reason else None,
        )

    async def rule(self, org: OrgId, hit: RuleHit, user: UserId) -> SingleRule:
        """Read the hit, and what the user said of it; the toggle is the rule's newest one."""
        found = await self._sql.rule(org, hit, user)
        toggle = self._toggles.newest_of(hit.cluster, hit.rule_id)
        vote = self._votes.rows.get((user, hit))
        reason = self._reasons.rows.get((user, hit))
        return replace(
            found,
            vote=vote.vote if vote else Vote.NONE,
            disabled=bool(toggle and toggle.disabled),
            toggled=toggle is not None,
            disabled_at=toggle.at if toggle and toggle.disabled else None,
            reason=reason.message if reason else "",
        )

    async def info(self, org: OrgId, cluster: ClusterId) -> ReportInfo:
        """Read count and times."""
        return await self._sql.info(org, cluster)

    def read_many(self, org: OrgId, clusters: Sequence[ClusterId]) -> Parts[ReportText]:
        """Read owners and texts."""
        return self._sql.read_many(org, clusters)

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete the organizations' clusters, and what is kept of either."""
        everything = [
            row.hit.cluster
            for part in (self._votes, self._toggles, self._reasons)
            for row in part.rows.values()
        ]
        owned = [name for name in everything if await self._owner(name) in orgs]
        await self._sql.delete_of_orgs(orgs)
        self._forget(owned, orgs)

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete the clusters, and what is kept of them."""
        await self._sql.delete_of_clusters(clusters, org)
        if org is None:
            self._forget(clusters)
            return
        for part in (self._votes, self._toggles, self._reasons):
            part.rows.forget_of(clusters, org)

    def _forget(self, clusters: Sequence[ClusterId], orgs: Sequence[OrgId] = ()) -> None:
        for part in (self._votes, self._toggles, self._reasons):
            part.rows.forget(clusters, orgs)

    async def count(self) -> int:
        """Count the reports."""
        return await self._sql.count()
