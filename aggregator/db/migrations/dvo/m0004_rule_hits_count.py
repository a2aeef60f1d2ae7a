"""Workloads know how often each rule hits their namespace."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        column = "dvo_report ADD COLUMN rule_hits_count JSON DEFAULT '{}'"
    else:
        column = "dvo.dvo_report ADD COLUMN rule_hits_count JSONB DEFAULT '{}'"
    conn.exec_driver_sql(f"ALTER TABLE {column}")


def down(conn: sa.Connection) -> None:
    table = "dvo_report" if conn.dialect.name == "sqlite" else "dvo.dvo_report"
    conn.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN rule_hits_count")
