"""Toggles, feedback and reasons of clusters that nobody owns go."""

from __future__ import annotations

import sqlalchemy as sa

from ..deletion import delete

_TABLES = (
    "cluster_rule_toggle",
    "cluster_rule_user_feedback",
    "cluster_user_rule_disable_feedback",
)


def up(conn: sa.Connection) -> None:
    for table in _TABLES:
        delete(conn, table, sa.column("org_id") == "0")


def down(conn: sa.Connection) -> None:
    """Do nothing: what is deleted is gone."""
