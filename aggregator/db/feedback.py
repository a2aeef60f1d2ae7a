"""Disable feedback of users, stored in table cluster_user_rule_disable_feedback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import sqlalchemy as sa

from ..model import (
    ClusterId,
    DisableFeedback,
    ErrorKey,
    OrgId,
    RuleHit,
    RuleId,
    UserId,
    utc_now,
)
from ..parts import in_parts
from .engine import Database
from .rows import ascending
from .tables import cluster_user_rule_disable_feedback as table
from .upsert import ClusterUpsert

_COLUMNS = (
    "cluster_id",
    "rule_id",
    "error_key",
    "user_id",
    "org_id",
    "message",
    "added_at",
    "updated_at",
)
_OF_USER = sa.select(
    table.c.cluster_id,
    table.c.rule_id,
    table.c.error_key,
    table.c.message,
    table.c.added_at,
    table.c.updated_at,
).where(table.c.user_id == sa.bindparam("user", type_=sa.String))

_OF_USER_IN_ORG = _OF_USER.where(table.c.org_id == sa.bindparam("org", type_=sa.String))


class SqlFeedback:
    """Disable feedback in SQL tables (contract rest-api 4.2, 4.3)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = ClusterUpsert(
            database.dialect, table, _COLUMNS, changed=("message", "updated_at")
        )
        order = ascending(database.dialect, *(table.c[name] for name in _COLUMNS[:3]))
        self._of_user = _OF_USER.order_by(*order)
        self._of_user_in_org = _OF_USER_IN_ORG.order_by(*order)

    async def put(
        self, org: OrgId, user: UserId, hit: RuleHit, message: str, *, owner: OrgId | None = None
    ) -> None:
        """Insert the disable feedback or update it, keeping organization and created_at."""
        now = utc_now()
        values = {
            "cluster_id": hit.cluster,
            "rule_id": hit.rule_id,
            "error_key": hit.error_key,
            "user_id": user,
            "org_id": str(org),
            "message": message,
            "added_at": now,
            "updated_at": now,
        }
        await self._put.run(self._db, values, owner)

    @in_parts
    async def of_user(
        self, user: UserId, org: OrgId | None = None
    ) -> AsyncGenerator[Sequence[DisableFeedback], None]:
        """Read the user's disable feedback, by cluster, rule and key."""
        values: dict[str, Any] = {"user": str(user)}
        statement = self._of_user
        if org is not None:
            values["org"], statement = str(org), self._of_user_in_org
        async for rows in self._db.parts(statement, values):
            yield [
                DisableFeedback(
                    RuleHit(ClusterId(cluster), RuleId(rule), ErrorKey(key)),
                    message,
                    added_at,
                    updated_at,
                )
                for cluster, rule, key, message, added_at, updated_at in rows
            ]
