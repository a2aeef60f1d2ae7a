"""Toggles forget their user."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE cluster_rule_toggle DROP COLUMN user_id")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql(
        "ALTER TABLE cluster_rule_toggle ADD COLUMN user_id VARCHAR NOT NULL DEFAULT '-1'"
    )
