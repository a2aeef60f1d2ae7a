"""In-memory storage of votes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.errors import NotFound
from aggregator.model import (
    ClusterId,
    OrgId,
    RuleHit,
    RuleId,
    UserId,
    Vote,
)
from aggregator.storage import Orgs

from .clock import Now
from .rows import Row, Rows, require_report


@dataclass(frozen=True, slots=True)
class KeptVote(Row):
    """A vote as it is kept; `at` is naive UTC."""

    vote: Vote
    message: str
    at: datetime


class MemoryVotes:
    """Votes by user and hit; `orgs` knows which clusters have a report."""

    def __init__(self, orgs: Orgs, clock: Now) -> None:
        self.rows: Rows[tuple[UserId, RuleHit], KeptVote] = Rows()
        self._orgs = orgs
        self._clock = clock

    async def put(
        self,
        org: OrgId,
        user: UserId,
        hit: RuleHit,
        vote: Vote,
        message: str,
        *,
        owner: OrgId | None = None,
    ) -> None:
        """Keep the vote in place of the user's earlier one, whose organization stays."""
        await require_report(self._orgs, hit.cluster, owner)
        old = self.rows.get((user, hit))
        kept_org = old.org if old else org
        self.rows[user, hit] = KeptVote(kept_org, hit, vote, message, self._clock())

    async def get(self, user: UserId, hit: RuleHit) -> Vote:
        """Return the vote on exactly this hit."""
        if (user, hit) not in self.rows:
            raise NotFound.item(hit.cluster, hit.rule_id, user)
        return self.rows[user, hit].vote

    async def newest(self, user: UserId, cluster: ClusterId, rule: RuleId) -> Vote:
        """Return the newest vote on any key of the rule."""
        found = self.of_rule(user, cluster, rule)
        if not found:
            raise NotFound.item(cluster, rule, user)
        return max(found, key=lambda row: row.at).vote

    def of_rule(self, user: UserId, cluster: ClusterId, rule: RuleId) -> list[KeptVote]:
        """Return the user's votes on all keys of the rule."""
        return [
            row
            for (who, hit), row in self.rows.items()
            if (who, hit.cluster, hit.rule_id) == (user, cluster, rule)
        ]
