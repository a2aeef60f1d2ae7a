"""The highest offset is found by an index."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("CREATE INDEX report_kafka_offset_btree_idx ON report (kafka_offset)")


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP INDEX report_kafka_offset_btree_idx")
