"""What is ours in the Go service's latest schema: indexes, room on pages, offsets of 64 bits.

Both services can run on it, and it is taken away before a database goes below the latest version,
so that each older version is exactly the reference's.
"""

from __future__ import annotations

import sqlalchemy as sa

# name of the index: what it is on
_INDEXES = {
    "recommendation_cluster_id_idx": "recommendation (cluster_id)",
    "recommendation_org_id_rule_id_idx": "recommendation (org_id, rule_id)",
    "cluster_rule_toggle_org_id_disabled_idx": "cluster_rule_toggle (org_id, disabled)",
    "cluster_user_rule_disable_feedback_user_id_idx": (
        "cluster_user_rule_disable_feedback (user_id)"
    ),
    "consumer_error_consumed_at_idx": "consumer_error (consumed_at)",
}
# PostgreSQL only: lists are answered from the index, whose entries lie side by side, while the
# rows of an organization are spread over the whole table
_COVERING = {"report_org_id_reported_at_idx": "report (org_id, reported_at) INCLUDE (cluster)"}
# PostgreSQL only: every report writes its cluster's recommendations again, and the hits that say
# something else; with room on their page no index is touched
_FILLED = {"recommendation": 80, "rule_hit": 90}


def add(conn: sa.Connection) -> None:
    """Make what is not there yet."""
    postgresql = conn.dialect.name == "postgresql"
    for name, target in (_INDEXES | (_COVERING if postgresql else {})).items():
        conn.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {target}")
    for table, percent in (_FILLED if postgresql else {}).items():
        conn.exec_driver_sql(f"ALTER TABLE {table} SET (fillfactor = {percent})")
    _set_offset_type(conn, sa.BIGINT)


def remove(conn: sa.Connection) -> None:
    """Take away what is there."""
    for name in (*_INDEXES, *_COVERING):
        conn.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
    for table in _FILLED if conn.dialect.name == "postgresql" else ():
        conn.exec_driver_sql(f"ALTER TABLE {table} RESET (fillfactor)")
    _set_offset_type(conn, sa.INTEGER)


def _set_offset_type(conn: sa.Connection, wanted: type[sa.Integer]) -> None:
    """Change the type of the offset if it is another: that writes the whole table again."""
    if conn.dialect.name == "sqlite":
        return  # its integers have 64 bits whatever the type's name
    columns = {column["name"]: column for column in sa.inspect(conn).get_columns("consumer_error")}
    if not isinstance(columns["topic_offset"]["type"], wanted):
        conn.exec_driver_sql(
            f"ALTER TABLE consumer_error ALTER COLUMN topic_offset TYPE {wanted.__name__}"
        )
