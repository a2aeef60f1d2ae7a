"""In-memory storage of disable feedback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.model import (
    ClusterId,
    DisableFeedback,
    OrgId,
    RuleHit,
    RuleId,
    UserId,
)
from aggregator.parts import Parts
from aggregator.storage import Orgs

from .clock import Now
from .rows import Row, Rows, require_report


@dataclass(frozen=True, slots=True)
class KeptReason(Row):
    """A reason as it is kept; times are naive UTC."""

    message: str
    added_at: datetime
    updated_at: datetime


class MemoryFeedback:
    """Reasons by user and hit; `orgs` knows which clusters have a report."""

    def __init__(self, orgs: Orgs, clock: Now) -> None:
        self.rows: Rows[tuple[UserId, RuleHit], KeptReason] = Rows()
        self._orgs = orgs
        self._clock = clock

    async def put(
        self, org: OrgId, user: UserId, hit: RuleHit, message: str, *, owner: OrgId | None = None
    ) -> None:
        """Insert the disable feedback or update it, keeping organization and created_at."""
        await require_report(self._orgs, hit.cluster, owner)
        now, old = self._clock(), self.rows.get((user, hit))
        kept_org, born = (old.org, old.added_at) if old else (org, now)
        self.rows[user, hit] = KeptReason(kept_org, hit, message, born, now)

    def of_user(self, user: UserId, org: OrgId | None = None) -> Parts[DisableFeedback]:
        """Return the user's reasons, by cluster, rule and key."""
        found = [
            DisableFeedback(row.hit, row.message, row.added_at, row.updated_at)
            for (who, _), row in self.rows.items()
            if who == user and org in (None, row.org)
        ]
        return Parts.of(*sorted(found, key=lambda one: _named(one.hit)))

    def of_rule(self, user: UserId, cluster: ClusterId, rule: RuleId) -> list[KeptReason]:
        """Return the user's reasons on all keys of the rule."""
        return [
            row
            for (who, hit), row in self.rows.items()
            if (who, hit.cluster, hit.rule_id) == (user, cluster, rule)
        ]

    def newest_of(self, org: OrgId, hit: RuleHit) -> str:
        """Return the newest reason that any user of the organization gave, or nothing."""
        found = [row for row in self.rows.values() if (row.org, row.hit) == (org, hit)]
        return max(found, key=lambda row: row.updated_at).message if found else ""


def _named(hit: RuleHit) -> tuple[str, str, str]:
    return hit.cluster, hit.rule_id, hit.error_key
