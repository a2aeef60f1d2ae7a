"""A toggle holds for all users of a cluster."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

_COLUMNS = """
    cluster_id     VARCHAR NOT NULL,
    rule_id        VARCHAR NOT NULL,
    user_id        VARCHAR{null},
    disabled       SMALLINT NOT NULL,
    disabled_at    TIMESTAMP,
    enabled_at     TIMESTAMP,
    updated_at     TIMESTAMP NOT NULL,
    disabled_check SMALLINT,
    CONSTRAINT cluster_rule_toggle_disabled_check CHECK (disabled >= 0 AND disabled <= 1),
    PRIMARY KEY ({key})
"""
_COPIED = (
    "cluster_id",
    "rule_id",
    "user_id",
    "disabled",
    "disabled_at",
    "enabled_at",
    "updated_at",
    "disabled_check",
)


def up(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        definition = _COLUMNS.format(null="", key="cluster_id, rule_id")
        rebuild(conn, "cluster_rule_toggle", definition, _COPIED)
    else:
        conn.exec_driver_sql("""
            ALTER TABLE cluster_rule_toggle
            DROP CONSTRAINT cluster_rule_toggle_pkey,
            ADD CONSTRAINT cluster_rule_toggle_pkey PRIMARY KEY (cluster_id, rule_id)
        """)
        conn.exec_driver_sql("ALTER TABLE cluster_rule_toggle ALTER COLUMN user_id DROP NOT NULL")


def down(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        definition = _COLUMNS.format(null=" NOT NULL", key="cluster_id, rule_id, user_id")
        rebuild(conn, "cluster_rule_toggle", definition, _COPIED)
    else:
        conn.exec_driver_sql("""
            ALTER TABLE cluster_rule_toggle
            ALTER COLUMN user_id SET NOT NULL,
            DROP CONSTRAINT cluster_rule_toggle_pkey,
            ADD CONSTRAINT cluster_rule_toggle_pkey PRIMARY KEY (cluster_id, rule_id, user_id)
        """)
