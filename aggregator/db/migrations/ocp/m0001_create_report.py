"""Reports of clusters."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE report (
            org_id          INTEGER NOT NULL,
            cluster         VARCHAR NOT NULL UNIQUE,
            report          VARCHAR NOT NULL,
            reported_at     TIMESTAMP,
            last_checked_at TIMESTAMP,
            PRIMARY KEY (org_id, cluster)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE report")
