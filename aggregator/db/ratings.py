"""Ratings of recommendations by organizations, in table advisor_ratings."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import NotFound
from ..model import (
    ErrorKey,
    OrgId,
    Rating,
    RuleId,
    RuleSelector,
    utc_now,
)
from .engine import Database
from .tables import advisor_ratings as table
from .upsert import upsert

_COLUMNS = (
    "org_id",
    "rule_fqdn",
    "error_key",
    "rule_id",
    "rated_at",
    "last_updated_at",
    "rating",
)
_GET = (
    sa.select(table.c.rule_id, table.c.rating)
    .where(
        table.c.org_id == sa.bindparam("org", type_=sa.String),
        table.c.rule_id == sa.bindparam("selector", type_=sa.String),
    )
    .order_by(table.c.last_updated_at.desc())
    .limit(1)
)


class SqlRatings:
    """Ratings in SQL tables (contract rest-api 4.5)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = upsert(database.dialect, table, _COLUMNS, changed=("rating", "last_updated_at"))

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, rating: int) -> None:
        """Insert the rating or update it, keeping created_at."""
        now = utc_now()
        values = {
            "org_id": str(org),
            "rule_fqdn": rule,
            "error_key": key,
            "rule_id": f"{rule}|{key}",
            "rated_at": now,
            "last_updated_at": now,
            "rating": rating,
        }
        await self._db.run(self._put, values)

    async def get(self, org: OrgId, selector: RuleSelector) -> Rating:
        """Read the rating by the recommendation's name as stored."""
        values = {"org": str(org), "selector": selector}
        rows = await self._db.rows(_GET, values)
        if not rows:
            raise NotFound.item(org, selector, "rating")
        return Rating(rows[0].rule_id, rows[0].rating or 0)
