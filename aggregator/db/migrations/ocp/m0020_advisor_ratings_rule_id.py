"""Ratings name a rule as recommendations do."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE advisor_ratings RENAME COLUMN rule_id TO rule_fqdn")
    conn.exec_driver_sql(
        "ALTER TABLE advisor_ratings ADD COLUMN rule_id VARCHAR NOT NULL DEFAULT '.'"
    )
    conn.exec_driver_sql("UPDATE advisor_ratings SET rule_id = rule_fqdn || '|' || error_key")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE advisor_ratings DROP COLUMN rule_id")
    conn.exec_driver_sql("ALTER TABLE advisor_ratings RENAME COLUMN rule_fqdn TO rule_id")
