"""Recommendations are found by rule id, which is the rule with its error key."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

# the name without its last part, or without everything from the bar on
_RULE_IN_SQLITE = """
    CASE
        WHEN instr(rule_fqdn, '|') > 0 THEN substr(rule_fqdn, 1, instr(rule_fqdn, '|') - 1)
        WHEN instr(rule_fqdn, '.') > 0
            THEN substr(rule_fqdn, 1, length(rtrim(rule_fqdn, replace(rule_fqdn, '.', ''))) - 1)
        ELSE rule_fqdn
    END
"""
_SQLITE = """
    org_id     INTEGER NOT NULL,
    cluster_id VARCHAR NOT NULL,
    rule_fqdn  TEXT NOT NULL,
    error_key  VARCHAR NOT NULL,
    rule_id    VARCHAR NOT NULL DEFAULT '.',
    created_at TIMESTAMP DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    CONSTRAINT recommendation_pk PRIMARY KEY (org_id, cluster_id, rule_fqdn, error_key)
"""


def up(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        rebuild(
            conn,
            "recommendation",
            _SQLITE,
            ("org_id", "cluster_id", "error_key"),
            {"rule_fqdn": _RULE_IN_SQLITE},
        )
    else:
        conn.exec_driver_sql(r"""
            UPDATE recommendation
            SET rule_fqdn = regexp_replace(rule_fqdn, '\.[^.|]*$|\|.*$', '')
        """)
        conn.exec_driver_sql("""
            ALTER TABLE recommendation
            ADD COLUMN rule_id VARCHAR NOT NULL DEFAULT '.',
            ADD COLUMN created_at TIMESTAMP DEFAULT (now() AT TIME ZONE 'utc')
        """)
    conn.exec_driver_sql("UPDATE recommendation SET rule_id = rule_fqdn || '|' || error_key")


def down(conn: sa.Connection) -> None:
    """Drop the columns; what was cut off the names stays off."""
    conn.exec_driver_sql("ALTER TABLE recommendation DROP COLUMN rule_id")
    conn.exec_driver_sql("ALTER TABLE recommendation DROP COLUMN created_at")
