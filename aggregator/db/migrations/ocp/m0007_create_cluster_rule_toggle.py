"""Rules that users disabled for a cluster."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    # `disabled_check` was meant as the name of the constraint before it, and became a column
    conn.exec_driver_sql("""
        CREATE TABLE cluster_rule_toggle (
            cluster_id     VARCHAR NOT NULL,
            rule_id        VARCHAR NOT NULL,
            user_id        VARCHAR NOT NULL,
            disabled       SMALLINT NOT NULL,
            disabled_at    TIMESTAMP,
            enabled_at     TIMESTAMP,
            updated_at     TIMESTAMP NOT NULL,
            disabled_check SMALLINT,
            CONSTRAINT cluster_rule_toggle_disabled_check CHECK (disabled >= 0 AND disabled <= 1),
            PRIMARY KEY (cluster_id, rule_id, user_id)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE cluster_rule_toggle")
