"""Rule hits know when they were first seen."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE rule_hit ADD COLUMN created_at TIMESTAMP")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE rule_hit DROP COLUMN created_at")
