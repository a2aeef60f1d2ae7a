"""Recommendations know since when they hold."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE recommendation ADD COLUMN impacted_since TIMESTAMP")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE recommendation DROP COLUMN impacted_since")
