"""Recommendations: the rule hits without what only a report page needs."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE recommendation (
            org_id     INTEGER NOT NULL,
            cluster_id VARCHAR NOT NULL,
            rule_fqdn  TEXT NOT NULL,
            error_key  VARCHAR NOT NULL,
            CONSTRAINT recommendation_pk PRIMARY KEY (org_id, cluster_id, rule_fqdn, error_key)
        )
    """)
    # the word `report` at the end of a rule's name gives way to the error key
    conn.exec_driver_sql("""
        INSERT INTO recommendation (org_id, cluster_id, rule_fqdn, error_key)
        SELECT
            org_id,
            cluster_id,
            CASE WHEN rule_fqdn LIKE '%report'
                THEN substr(rule_fqdn, 1, length(rule_fqdn) - 6) || error_key
                ELSE rule_fqdn
            END,
            error_key
        FROM rule_hit
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE recommendation")
