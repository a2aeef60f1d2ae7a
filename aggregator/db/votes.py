"""Votes of users on rule hits, stored in table cluster_rule_user_feedback."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ..errors import NotFound
from ..model import (
    ClusterId,
    OrgId,
    RuleHit,
    RuleId,
    UserId,
    Vote,
    utc_now,
)
from .engine import Database
from .tables import cluster_rule_user_feedback as table
from .upsert import ClusterUpsert

_COLUMNS = (
    "cluster_id",
    "rule_id",
    "error_key",
    "user_id",
    "org_id",
    "user_vote",
    "message",
    "added_at",
    "updated_at",
)
_OF_RULE = sa.select(table.c.user_vote).where(
    table.c.cluster_id == sa.bindparam("cluster", type_=sa.String),
    table.c.rule_id == sa.bindparam("rule", type_=sa.String),
    table.c.user_id == sa.bindparam("user", type_=sa.String),
)
_GET = _OF_RULE.where(table.c.error_key == sa.bindparam("key", type_=sa.String))
_NEWEST = _OF_RULE.order_by(table.c.updated_at.desc(), table.c.error_key).limit(1)


class SqlVotes:
    """Votes in SQL tables (contract rest-api 4.1)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = ClusterUpsert(
            database.dialect, table, _COLUMNS, changed=("user_vote", "message", "updated_at")
        )

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
        """Insert the vote or update it, keeping organization and created_at."""
        now = utc_now()
        values = {
            "cluster_id": hit.cluster,
            "rule_id": hit.rule_id,
            "error_key": hit.error_key,
            "user_id": user,
            "org_id": str(org),
            "user_vote": int(vote),
            "message": message,
            "added_at": now,
            "updated_at": now,
        }
        await self._put.run(self._db, values, owner)

    async def get(self, user: UserId, hit: RuleHit) -> Vote:
        """Read the vote on exactly this hit."""
        return await self._read(_GET, user, hit.cluster, hit.rule_id, key=hit.error_key)

    async def newest(self, user: UserId, cluster: ClusterId, rule: RuleId) -> Vote:
        """Read the newest vote on any key of the rule."""
        return await self._read(_NEWEST, user, cluster, rule)

    async def _read(
        self, statement: sa.Select[Any], user: UserId, cluster: ClusterId, rule: RuleId, **key: str
    ) -> Vote:
        values = {"cluster": cluster, "rule": rule, "user": user, **key}
        rows = await self._db.rows(statement, values)
        if not rows:
            raise NotFound.item(cluster, rule, user)
        return Vote(rows[0][0])
