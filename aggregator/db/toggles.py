"""Toggles: rules disabled for single clusters, stored in table cluster_rule_toggle."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import sqlalchemy as sa

from ..model import (
    MAX_STORED_ORG_ID,
    ClusterId,
    DisabledCluster,
    ErrorKey,
    OrgId,
    RuleHit,
    RuleId,
    RuleToggle,
    utc_now,
)
from ..parts import in_parts, sorted_names
from .engine import Database
from .rows import ascending, is_in, list_parameter
from .tables import cluster_rule_toggle as table
from .tables import cluster_user_rule_disable_feedback as reason
from .tables import rule_hit
from .upsert import ClusterUpsert

_COLUMNS = (
    "cluster_id",
    "rule_id",
    "error_key",
    "org_id",
    "disabled",
    "disabled_at",
    "enabled_at",
    "updated_at",
)
_CLUSTER = sa.bindparam("cluster", type_=sa.String)
_ORG = sa.bindparam("org", type_=sa.String)
_RULE = sa.bindparam("rule", type_=sa.String)
_KEY = sa.bindparam("key", type_=sa.String)
_DISABLED_RULES = sa.select(
    table.c.cluster_id,
    table.c.rule_id,
    table.c.error_key,
    table.c.disabled_at,
    table.c.updated_at,
).where(table.c.org_id == _ORG, table.c.disabled == 1)
_KEYS = sa.select(rule_hit.c.error_key).where(
    rule_hit.c.cluster_id == _CLUSTER, rule_hit.c.rule_fqdn == _RULE
)
_KEYS_OF_ORG = _KEYS.where(rule_hit.c.org_id == sa.bindparam("org", type_=sa.Integer))


def _select_disabled_clusters() -> sa.Select[Any]:
    newest = (
        sa.select(reason.c.message)
        .where(
            reason.c.cluster_id == table.c.cluster_id,
            reason.c.org_id == _ORG,
            reason.c.rule_id == _RULE,
            reason.c.error_key == _KEY,
        )
        .order_by(reason.c.updated_at.desc(), reason.c.user_id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(table.c.cluster_id, table.c.disabled_at, newest.label("message"))
        .where(
            table.c.org_id == _ORG,
            table.c.disabled == 1,
            table.c.rule_id == _RULE,
            table.c.error_key == _KEY,
        )
        .order_by(table.c.disabled_at.desc().nulls_last(), table.c.cluster_id)
    )


_DISABLED_CLUSTERS = _select_disabled_clusters()


class SqlToggles:
    """Toggles in SQL tables (contract rest-api 4.2, 4.3)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._put = ClusterUpsert(database.dialect, table, _COLUMNS, changed=_COLUMNS[3:])
        order = ascending(database.dialect, *(table.c[name] for name in _COLUMNS[:3]))
        self._disabled_rules = _DISABLED_RULES.order_by(*order)
        self._of_clusters = self._disabled_rules.where(
            is_in(database.dialect, table.c.cluster_id, "names")
        )

    async def put(
        self, org: OrgId, hit: RuleHit, *, disabled: bool, owner: OrgId | None = None
    ) -> None:
        """Insert the toggle or replace the present one with its organization."""
        now = utc_now()
        values = {
            "cluster_id": hit.cluster,
            "rule_id": hit.rule_id,
            "error_key": hit.error_key,
            "org_id": str(org),
            "disabled": int(disabled),
            "disabled_at": now if disabled else None,
            "enabled_at": None if disabled else now,
            "updated_at": now,
        }
        await self._put.run(self._db, values, owner)

    @in_parts
    async def disabled_rules(
        self, org: OrgId, clusters: Sequence[str] | None = None
    ) -> AsyncGenerator[Sequence[RuleToggle], None]:
        """Read the disabled rules; they have no enabled_at (contract rest-api 4.3)."""
        values: dict[str, Any] = {"org": str(org)}
        if clusters is None:
            async for rows in self._db.parts(self._disabled_rules, values):
                yield _disabled(rows)
            return
        async for names in sorted_names(clusters):
            values["names"] = list_parameter(self._db.dialect, names)
            async for rows in self._db.parts(self._of_clusters, values):
                yield _disabled(rows)

    @in_parts
    async def disabled_clusters(
        self, org: OrgId, rule: RuleId, key: ErrorKey
    ) -> AsyncGenerator[Sequence[DisabledCluster], None]:
        """Read the clusters, each with the newest disable feedback of any user."""
        values = {"org": str(org), "rule": rule, "key": key}
        async for rows in self._db.parts(_DISABLED_CLUSTERS, values):
            yield [
                DisabledCluster(ClusterId(row.cluster_id), row.disabled_at, row.message or "")
                for row in rows
            ]

    async def keys(self, org: OrgId | None, cluster: ClusterId, rule: RuleId) -> list[ErrorKey]:
        """Read the keys of the rule's hits, ascending."""
        if org is not None and org > MAX_STORED_ORG_ID:
            return [ErrorKey("")]
        values = {"cluster": cluster, "rule": rule} | ({} if org is None else {"org": org})
        rows = await self._db.rows(_KEYS if org is None else _KEYS_OF_ORG, values)
        return sorted({ErrorKey(row[0]) for row in rows}) or [ErrorKey("")]


def _disabled(rows: Sequence[Any]) -> list[RuleToggle]:
    return [
        RuleToggle(
            RuleHit(ClusterId(cluster), RuleId(rule), ErrorKey(key)),
            disabled=True,
            disabled_at=disabled_at,
            enabled_at=None,
            updated_at=updated_at,
        )
        for cluster, rule, key, disabled_at, updated_at in rows
    ]
