"""A rule is disabled for an organization by whichever user."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

_COLUMNS = """
    org_id        VARCHAR NOT NULL,
    user_id       VARCHAR NOT NULL,
    rule_id       VARCHAR NOT NULL,
    error_key     VARCHAR NOT NULL,
    justification VARCHAR,
    created_at    TIMESTAMP NOT NULL,
    updated_at    TIMESTAMP,
    PRIMARY KEY ({key})
"""
_COPIED = (
    "org_id",
    "user_id",
    "rule_id",
    "error_key",
    "justification",
    "created_at",
    "updated_at",
)


def up(conn: sa.Connection) -> None:
    _set_key(conn, "org_id, rule_id, error_key")


def down(conn: sa.Connection) -> None:
    _set_key(conn, "user_id, org_id, rule_id, error_key")


def _set_key(conn: sa.Connection, key: str) -> None:
    if conn.dialect.name == "sqlite":
        rebuild(conn, "rule_disable", _COLUMNS.format(key=key), _COPIED)
    else:
        conn.exec_driver_sql(f"""
            ALTER TABLE rule_disable
            DROP CONSTRAINT rule_disable_pkey,
            ADD CONSTRAINT rule_disable_pkey PRIMARY KEY ({key})
        """)
