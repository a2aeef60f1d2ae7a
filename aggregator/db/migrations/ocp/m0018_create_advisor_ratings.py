"""Ratings of rules."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE advisor_ratings (
            user_id         VARCHAR NOT NULL,
            org_id          VARCHAR NOT NULL,
            rule_id         VARCHAR NOT NULL,
            error_key       VARCHAR NOT NULL,
            rated_at        TIMESTAMP,
            last_updated_at TIMESTAMP,
            rating          SMALLINT,
            PRIMARY KEY (user_id, org_id, rule_id, error_key)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE advisor_ratings")
