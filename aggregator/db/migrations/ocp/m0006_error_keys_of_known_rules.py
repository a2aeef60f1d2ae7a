"""Error keys go with their rule."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

_COLUMNS = """
    error_key    VARCHAR NOT NULL,
    rule_module  VARCHAR NOT NULL,
    condition    VARCHAR NOT NULL,
    description  VARCHAR NOT NULL,
    impact       INTEGER NOT NULL,
    likelihood   INTEGER NOT NULL,
    publish_date TIMESTAMP NOT NULL,
    active       BOOLEAN NOT NULL,
    generic      VARCHAR NOT NULL,
    PRIMARY KEY (error_key, rule_module)
"""
# named, because PostgreSQL would not choose a name that the old table has
_KEY = """,
    CONSTRAINT rule_error_key_rule_module_fkey{number}
    FOREIGN KEY (rule_module) REFERENCES rule(module)
"""
_COPIED = (
    "error_key",
    "rule_module",
    "condition",
    "description",
    "impact",
    "likelihood",
    "publish_date",
    "active",
    "generic",
)


def up(conn: sa.Connection) -> None:
    # said twice, as in the Go service: databases of version 6 to 10 have two equal foreign keys
    keys = [_KEY.format(number=number) + " ON DELETE CASCADE" for number in ("", "1")]
    rebuild(conn, "rule_error_key", _COLUMNS + "".join(keys), _COPIED)


def down(conn: sa.Connection) -> None:
    rebuild(conn, "rule_error_key", _COLUMNS + _KEY.format(number=""), _COPIED)
