"""Rules that are disabled for all clusters of an organization."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE rule_disable (
            org_id        VARCHAR NOT NULL,
            user_id       VARCHAR NOT NULL,
            rule_id       VARCHAR NOT NULL,
            error_key     VARCHAR NOT NULL,
            justification VARCHAR,
            created_at    TIMESTAMP NOT NULL,
            updated_at    TIMESTAMP,
            PRIMARY KEY (user_id, org_id, rule_id, error_key)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE rule_disable")
