"""Rules acknowledged by an organization, in table rule_disable."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import NotFound
from ..model import (
    Ack,
    ErrorKey,
    OrgId,
    RuleId,
    utc_now,
)
from ..parts import in_parts
from .engine import Database
from .rows import ascending
from .tables import rule_disable as table
from .upsert import upsert

NOT_ACKED = "Rule was not disabled"

_KEY = (
    table.c.org_id == sa.bindparam("org", type_=sa.String),
    table.c.rule_id == sa.bindparam("rule", type_=sa.String),
    table.c.error_key == sa.bindparam("key", type_=sa.String),
)
_FIELDS: sa.Select[Any] = sa.select(
    table.c.rule_id,
    table.c.error_key,
    table.c.justification,
    table.c.created_at,
    table.c.updated_at,
)
_GET, _ALL = _FIELDS.where(*_KEY), _FIELDS.where(_KEY[0])
_DELETE = sa.delete(table).where(*_KEY)
_UPDATE = (
    sa.update(table)
    .where(*_KEY)
    .values(
        justification=sa.bindparam("text", type_=sa.String),
        updated_at=sa.bindparam("now", type_=sa.DateTime),
    )
)


class SqlAcks:
    """Acks in SQL tables (contract rest-api 4.4)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = upsert(
            database.dialect,
            table,
            ("org_id", "rule_id", "error_key", "justification", "created_at"),
            changed=("justification", "created_at"),
        )
        self._all = _ALL.order_by(*ascending(database.dialect, table.c.rule_id, table.c.error_key))

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Insert the ack, or update the present one's justification and created_at."""
        values = {
            "org_id": str(org),
            "rule_id": rule,
            "error_key": key,
            "justification": justification,
            "created_at": utc_now(),
        }
        await self._db.run(self._put, values)

    async def update(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Change the justification of an existing ack."""
        values = {**_named(org, rule, key), "text": justification, "now": utc_now()}
        await self._db.run(_UPDATE, values)

    async def delete(self, org: OrgId, rule: RuleId, key: ErrorKey) -> None:
        """Delete the ack."""
        await self._db.run(_DELETE, _named(org, rule, key))

    async def get(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Ack:
        """Read the ack."""
        rows = await self._db.rows(_GET, _named(org, rule, key))
        if not rows:
            raise NotFound(NOT_ACKED)
        return _ack(org, rows[0])

    @in_parts
    async def all(self, org: OrgId) -> AsyncGenerator[Sequence[Ack], None]:
        """Read the organization's acks, by rule and key."""
        async for rows in self._db.parts(self._all, {"org": str(org)}):
            yield [_ack(org, row) for row in rows]


def _named(org: OrgId, rule: RuleId, key: ErrorKey) -> dict[str, Any]:
    return {"org": str(org), "rule": rule, "key": key}


def _ack(org: OrgId, row: sa.Row[Any]) -> Ack:
    return Ack(
        org,
        RuleId(row.rule_id),
        ErrorKey(row.error_key),
        row.justification or "",
        row.created_at,
        row.updated_at,
    )
