"""In-memory storage of toggles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.errors import NotFound
from aggregator.model import (
    ClusterId,
    DisabledCluster,
    ErrorKey,
    OrgId,
    RuleHit,
    RuleId,
    RuleToggle,
    UserId,
)
from aggregator.parts import Parts
from aggregator.storage import Orgs, Reports

from .clock import Now
from .feedback import MemoryFeedback
from .rows import Row, Rows, require_report


@dataclass(frozen=True, slots=True)
class KeptToggle(Row):
    """A toggle as it is kept; `at` is naive UTC."""

    disabled: bool
    at: datetime


class MemoryToggles:
    """Toggles by hit; `orgs` and `hits` know which clusters have a report, and what hits them."""

    def __init__(self, orgs: Orgs, hits: Reports, reasons: MemoryFeedback, clock: Now) -> None:
        self.rows: Rows[RuleHit, KeptToggle] = Rows()
        self._orgs = orgs
        self._hits = hits
        self._reasons = reasons
        self._clock = clock

    async def put(
        self, org: OrgId, hit: RuleHit, *, disabled: bool, owner: OrgId | None = None
    ) -> None:
        """Keep the toggle in place of the present one, its organization included."""
        await require_report(self._orgs, hit.cluster, owner)
        self.rows[hit] = KeptToggle(org, hit, disabled, self._clock())

    def disabled_rules(
        self, org: OrgId, clusters: Sequence[str] | None = None
    ) -> Parts[RuleToggle]:
        """Return what is off, by cluster, rule and key."""
        found = [
            RuleToggle(row.hit, True, row.at, None, row.at)
            for row in self._disabled(org)
            if clusters is None or row.hit.cluster in clusters
        ]
        return Parts.of(
            *sorted(found, key=lambda one: (one.hit.cluster, one.hit.rule_id, one.hit.error_key))
        )

    def disabled_clusters(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Parts[DisabledCluster]:
        """Return the clusters, newest first, each with the newest reason given for it."""
        found = [
            row
            for row in self._disabled(org)
            if (row.hit.rule_id, row.hit.error_key) == (rule, key)
        ]
        newest = sorted(found, key=lambda row: row.at, reverse=True)
        return Parts.of(
            *(
                DisabledCluster(row.hit.cluster, row.at, self._reasons.newest_of(org, row.hit))
                for row in newest
            )
        )

    async def keys(self, org: OrgId | None, cluster: ClusterId, rule: RuleId) -> list[ErrorKey]:
        """Return the keys of the rule's hits, ascending."""
        try:
            owner = await self._orgs.owner(cluster) if org is None else org
            report = await self._hits.read(owner, cluster, UserId(""))
        except NotFound:
            return [ErrorKey("")]
        keys = [one.hit.error_key for one in report.hits if one.hit.rule_id == rule]
        return sorted(keys) or [ErrorKey("")]

    def _disabled(self, org: OrgId) -> list[KeptToggle]:
        return [row for row in self.rows.values() if row.disabled and row.org == org]

    def is_disabled(self, org: OrgId, hit: RuleHit) -> bool:
        """Return True if the very hit is switched off by the organization."""
        row = self.rows.get(hit)
        return row is not None and row.disabled and row.org == org

    def newest_of(self, cluster: ClusterId, rule: RuleId) -> KeptToggle | None:
        """Return the newest toggle of the rule, whatever key and organization."""
        found = [
            row for hit, row in self.rows.items() if (hit.cluster, hit.rule_id) == (cluster, rule)
        ]
        return max(found, key=lambda row: row.at, default=None)
