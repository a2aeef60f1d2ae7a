"""Workloads are found by organization, and by cluster."""

from __future__ import annotations

import sqlalchemy as sa

_TABLE = sa.Table(
    "dvo_report",
    sa.MetaData(),
    sa.Column("org_id", sa.Integer),
    sa.Column("cluster_id", sa.String),
    schema="dvo",
)
_INDEXES = (
    sa.Index("report_org_id_idx", _TABLE.c.org_id, postgresql_using="hash"),
    sa.Index("report_org_id_cluster_id_idx", _TABLE.c.org_id, _TABLE.c.cluster_id),
)


def up(conn: sa.Connection) -> None:
    for index in _INDEXES:
        index.create(conn, checkfirst=False)


def down(conn: sa.Connection) -> None:
    for index in _INDEXES:
        index.drop(conn, checkfirst=False)
