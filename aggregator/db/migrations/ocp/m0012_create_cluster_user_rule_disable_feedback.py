"""Reasons of users for disabling a rule."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE cluster_user_rule_disable_feedback (
            cluster_id VARCHAR NOT NULL,
            user_id    VARCHAR NOT NULL,
            rule_id    VARCHAR NOT NULL,
            message    VARCHAR NOT NULL,
            added_at   TIMESTAMP NOT NULL,
            updated_at TIMESTAMP NOT NULL,
            PRIMARY KEY (cluster_id, user_id, rule_id)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE cluster_user_rule_disable_feedback")
