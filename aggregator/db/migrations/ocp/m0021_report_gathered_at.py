"""Reports know when their data were gathered."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE report ADD COLUMN gathered_at TIMESTAMP")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE report DROP COLUMN gathered_at")
