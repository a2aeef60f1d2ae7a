"""What is ours in the reference's latest schema: indexes, and offsets of 64 bits.

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
_COVERING = {
    "report_org_id_reported_at_idx": "report (org_id, reported_at) INCLUDE (cluster)",
    "recommendation_org_id_cluster_id_idx": (
        "recommendation (org_id, cluster_id) INCLUDE (rule_id)"
    ),
}
# PostgreSQL only: tables whose rows change with every report, and how full their pages are made.
# A new version of a row that finds room beside the former one needs no new entries in the indexes
_FULLNESS = {"recommendation": 80, "rule_hit": 90}


def add(conn: sa.Connection) -> None:
    """Make what is not there yet."""
    covering = _COVERING if conn.dialect.name == "postgresql" else {}
    for name, target in (_INDEXES | covering).items():
        conn.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {target}")
    if conn.dialect.name == "postgresql":
        for table, percent in _FULLNESS.items():
            conn.exec_driver_sql(f"ALTER TABLE {table} SET (fillfactor = {percent})")
    _set_offset_type(conn, sa.BIGINT)


def remove(conn: sa.Connection) -> None:
    """Take away what is there."""
    for name in _INDEXES | _COVERING:
        conn.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
    if conn.dialect.name == "postgresql":
        for table in _FULLNESS:
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
