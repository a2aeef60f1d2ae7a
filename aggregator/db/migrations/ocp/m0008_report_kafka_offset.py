"""Reports know the offset of their message."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE report ADD COLUMN kafka_offset BIGINT NOT NULL DEFAULT 0")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("ALTER TABLE report DROP COLUMN kafka_offset")
