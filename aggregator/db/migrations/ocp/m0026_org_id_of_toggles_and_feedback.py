"""Toggles, feedback and reasons know their organization."""

from __future__ import annotations

import sqlalchemy as sa

_TABLES = (
    "cluster_rule_toggle",
    "cluster_rule_user_feedback",
    "cluster_user_rule_disable_feedback",
)


def up(conn: sa.Connection) -> None:
    report = sa.table("report", sa.column("org_id"), sa.column("cluster"))
    for name in _TABLES:
        conn.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN org_id VARCHAR NOT NULL DEFAULT '0'")
        table = sa.table(name, sa.column("org_id"), sa.column("cluster_id"))
        owner = (
            sa.select(sa.cast(report.c.org_id, sa.String))
            .where(report.c.cluster == table.c.cluster_id)
            .scalar_subquery()
        )
        known = table.c.cluster_id.in_(sa.select(report.c.cluster))
        conn.execute(sa.update(table).where(known).values(org_id=owner))


def down(conn: sa.Connection) -> None:
    for name in _TABLES:
        conn.exec_driver_sql(f"ALTER TABLE {name} DROP COLUMN org_id")
