"""Content of rules, which another service took over with version 11."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
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
            rule_module  VARCHAR NOT NULL REFERENCES rule(module),
            condition    VARCHAR NOT NULL,
            description  VARCHAR NOT NULL,
            impact       INTEGER NOT NULL,
            likelihood   INTEGER NOT NULL,
            publish_date TIMESTAMP NOT NULL,
            active       BOOLEAN NOT NULL,
            generic      VARCHAR NOT NULL,
            PRIMARY KEY (error_key, rule_module)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE rule_error_key")
    conn.exec_driver_sql("DROP TABLE rule")
