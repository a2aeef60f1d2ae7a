"""The content of rules belongs to another service."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

_FEEDBACK = """
    cluster_id VARCHAR NOT NULL,
    rule_id    VARCHAR NOT NULL,
    user_id    VARCHAR NOT NULL,
    message    VARCHAR NOT NULL,
    user_vote  SMALLINT NOT NULL,
    added_at   TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (cluster_id, rule_id, user_id),
    FOREIGN KEY (cluster_id) REFERENCES report(cluster) ON DELETE CASCADE
"""
_RULE_KEY = "FOREIGN KEY (rule_id) REFERENCES rule(module) ON DELETE CASCADE"
_COPIED = ("cluster_id", "rule_id", "user_id", "message", "user_vote", "added_at", "updated_at")


def up(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        rebuild(conn, "cluster_rule_user_feedback", _FEEDBACK, _COPIED)
    else:
        conn.exec_driver_sql("""
            ALTER TABLE cluster_rule_user_feedback
            DROP CONSTRAINT cluster_rule_user_feedback_rule_id_fkey
        """)
    conn.exec_driver_sql("DROP TABLE rule_error_key")
    conn.exec_driver_sql("DROP TABLE rule")


def down(conn: sa.Connection) -> None:
    """Bring the tables back, empty: that fails when there is feedback, which is on no rule then."""
    conn.exec_driver_sql("""
        CREATE TABLE rule (
            module     VARCHAR NOT NULL PRIMARY KEY,
            name       VARCHAR NOT NULL,
            summary    VARCHAR NOT NULL,
            reason     VARCHAR NOT NULL,
            resolution VARCHAR NOT NULL,
            more_info  VARCHAR NOT NULL
        )
    """)
    conn.exec_driver_sql("""
        CREATE TABLE rule_error_key (
            error_key    VARCHAR NOT NULL,
            rule_module  VARCHAR NOT NULL REFERENCES rule(module) ON DELETE CASCADE,
            condition    VARCHAR NOT NULL,
            description  VARCHAR NOT NULL,
            impact       INTEGER NOT NULL,
            likelihood   INTEGER NOT NULL,
            publish_date TIMESTAMP NOT NULL,
            active       BOOLEAN NOT NULL,
            generic      VARCHAR NOT NULL,
            tags         VARCHAR NOT NULL DEFAULT '',
            PRIMARY KEY (error_key, rule_module)
        )
    """)
    if conn.dialect.name == "sqlite":
        rebuild(conn, "cluster_rule_user_feedback", f"{_FEEDBACK}, {_RULE_KEY}", _COPIED)
    else:
        conn.exec_driver_sql(f"""
            ALTER TABLE cluster_rule_user_feedback
            ADD CONSTRAINT cluster_rule_user_feedback_rule_id_fkey {_RULE_KEY}
        """)
