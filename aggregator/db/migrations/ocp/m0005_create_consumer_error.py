"""Messages that were refused."""

from __future__ import annotations

import sqlalchemy as sa


def up(conn: sa.Connection) -> None:
    conn.exec_driver_sql("""
        CREATE TABLE consumer_error (
            topic        VARCHAR NOT NULL,
            partition    INTEGER NOT NULL,
            topic_offset INTEGER NOT NULL,
            key          VARCHAR,
            produced_at  TIMESTAMP NOT NULL,
            consumed_at  TIMESTAMP NOT NULL,
            message      VARCHAR,
            error        VARCHAR NOT NULL,
            PRIMARY KEY (topic, partition, topic_offset)
        )
    """)


def down(conn: sa.Connection) -> None:
    conn.exec_driver_sql("DROP TABLE consumer_error")
