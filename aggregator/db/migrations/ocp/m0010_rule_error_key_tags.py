"""Error keys have tags."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE rule_error_key ADD COLUMN tags VARCHAR NOT NULL DEFAULT ''")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE rule_error_key DROP COLUMN tags")
