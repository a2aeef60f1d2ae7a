"""Workload recommendations of a namespace."""

from __future__ import annotations

import sqlalchemy as sa

_TABLE = sa.Table(
    "dvo_report",
    sa.MetaData(),
    sa.Column("org_id", sa.Integer, nullable=False),
    sa.Column("cluster_id", sa.String, nullable=False),
    sa.Column("namespace_id", sa.String, nullable=False),
    sa.Column("namespace_name", sa.String),
    sa.Column("report", sa.Text),
    sa.Column("recommendations", sa.Integer, nullable=False),
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("reported_at", sa.TIMESTAMP),
    sa.Column("last_checked_at", sa.TIMESTAMP),
    sa.PrimaryKeyConstraint("org_id", "cluster_id", "namespace_id", name="dvo_report_pkey"),
    schema="dvo",
)


def up(conn: sa.Connection) -> None:
    _TABLE.create(conn, checkfirst=False)


def down(conn: sa.Connection) -> None:
    _TABLE.drop(conn, checkfirst=False)
