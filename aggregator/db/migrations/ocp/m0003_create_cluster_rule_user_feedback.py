"""Votes and comments of users on rules."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE cluster_rule_user_feedback (
            cluster_id VARCHAR NOT NULL,
            rule_id    VARCHAR NOT NULL,
            user_id    VARCHAR NOT NULL,
            message    VARCHAR NOT NULL,
            user_vote  SMALLINT NOT NULL,
            added_at   TIMESTAMP NOT NULL,
            updated_at TIMESTAMP NOT NULL,
            PRIMARY KEY (cluster_id, rule_id, user_id)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE cluster_rule_user_feedback")
