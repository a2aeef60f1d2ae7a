"""In-memory storage of ratings."""

from __future__ import annotations

from aggregator.errors import NotFound
from aggregator.model import (
    ErrorKey,
    OrgId,
    Rating,
    RuleId,
    RuleSelector,
)


class MemoryRatings:
    """Ratings by organization and `rule|KEY` as it was given."""

    def __init__(self) -> None:
        self.rows: dict[tuple[OrgId, str], int] = {}

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, rating: int) -> None:
        """Keep the rating in place of the earlier one."""
        self.rows[org, f"{rule}|{key}"] = rating

    async def get(self, org: OrgId, selector: RuleSelector) -> Rating:
        """Return the rating."""
        if (org, selector) not in self.rows:
            raise NotFound.item(org, selector, "rating")
        return Rating(selector, self.rows[org, selector])
