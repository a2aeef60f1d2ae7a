"""Reasons of users for disabling a rule."""

from __future__ import annotations

import sqlalchemy as sa

from ..go_values import convert

# the Go service wrote SQLite until version 11
_TIMES = {
    "report": ("reported_at", "last_checked_at"),
    "cluster_rule_user_feedback": ("added_at", "updated_at"),
    "cluster_rule_toggle": ("disabled_at", "enabled_at", "updated_at"),
    "consumer_error": ("produced_at", "consumed_at"),
}
_TEXTS = {"report": ("report",), "consumer_error": ("key", "message")}


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
    if conn.dialect.name == "sqlite":
        convert(conn, _TIMES, _TEXTS)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE cluster_user_rule_disable_feedback")
