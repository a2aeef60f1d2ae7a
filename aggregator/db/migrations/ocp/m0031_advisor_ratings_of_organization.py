"""Ratings are of an organization; those of users go."""

from __future__ import annotations

import sqlalchemy as sa

from ..deletion import delete
from ..rebuild import rebuild

_SQLITE = """
    org_id          VARCHAR NOT NULL,
    rule_fqdn       VARCHAR NOT NULL,
    error_key       VARCHAR NOT NULL,
    rated_at        TIMESTAMP,
    last_updated_at TIMESTAMP,
    rating          SMALLINT,
    rule_id         VARCHAR NOT NULL DEFAULT '.',
"""
_COPIED = (
    "org_id",
    "rule_fqdn",
    "error_key",
    "rated_at",
    "last_updated_at",
    "rating",
    "rule_id",
)


def up(conn: sa.Connection) -> None:
    delete(conn, "advisor_ratings")
    key = "PRIMARY KEY (org_id, rule_fqdn, error_key)"
    if conn.dialect.name == "sqlite":
        rebuild(conn, "advisor_ratings", f"{_SQLITE} {key}", _COPIED)
    else:
        conn.exec_driver_sql(f"""
            ALTER TABLE advisor_ratings
            DROP CONSTRAINT advisor_ratings_pkey,
            ADD CONSTRAINT advisor_ratings_pkey {key},
            DROP COLUMN user_id
        """)


def down(conn: sa.Connection) -> None:
    user = "user_id VARCHAR NOT NULL DEFAULT '-1'"
    key = "PRIMARY KEY (user_id, org_id, rule_fqdn, error_key)"
    if conn.dialect.name == "sqlite":
        rebuild(conn, "advisor_ratings", f"{_SQLITE} {user}, {key}", _COPIED)
    else:
        conn.exec_driver_sql(f"""
            ALTER TABLE advisor_ratings
            ADD COLUMN {user},
            DROP CONSTRAINT advisor_ratings_pkey,
            ADD CONSTRAINT advisor_ratings_pkey {key}
        """)
