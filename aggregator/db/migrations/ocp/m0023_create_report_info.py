"""What a report says about its cluster."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE report_info (
            org_id       INTEGER NOT NULL,
            cluster_id   VARCHAR NOT NULL UNIQUE,
            version_info VARCHAR NOT NULL,
            PRIMARY KEY (org_id, cluster_id)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE report_info")
