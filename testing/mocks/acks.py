"""In-memory storage of acknowledgements."""

from __future__ import annotations

from dataclasses import replace

from aggregator.errors import NotFound
from aggregator.model import (
    Ack,
    ErrorKey,
    OrgId,
    RuleId,
)
from aggregator.parts import Parts

from .clock import Now


class MemoryAcks:
    """Acks by organization, rule and key."""

    def __init__(self, clock: Now) -> None:
        self.rows: dict[tuple[OrgId, RuleId, ErrorKey], Ack] = {}
        self._clock = clock

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Keep the ack, or update the present one's justification and created_at."""
        old = self.rows.get((org, rule, key))
        changed = old.updated_at if old else None
        self.rows[org, rule, key] = Ack(org, rule, key, justification, self._clock(), changed)

    async def update(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Change the justification of an existing ack."""
        if old := self.rows.get((org, rule, key)):
            self.rows[org, rule, key] = replace(
                old, justification=justification, updated_at=self._clock()
            )

    async def delete(self, org: OrgId, rule: RuleId, key: ErrorKey) -> None:
        """Forget the ack."""
        self.rows.pop((org, rule, key), None)

    async def get(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Ack:
        """Return the ack."""
        if (org, rule, key) not in self.rows:
            raise NotFound("Rule was not disabled")
        return self.rows[org, rule, key]

    def all(self, org: OrgId) -> Parts[Ack]:
        """Return the organization's acks, by rule and key."""
        return Parts.of(*(self.rows[name] for name in sorted(self.rows) if name[0] == org))
