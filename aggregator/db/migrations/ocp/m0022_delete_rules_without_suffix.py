"""Toggles and reasons are for rules whose name ends in `.report`."""

from __future__ import annotations

import sqlalchemy as sa

from ..deletion import delete


def up(conn: sa.Connection) -> None:
    for table in ("cluster_rule_toggle", "cluster_user_rule_disable_feedback"):
        delete(conn, table, sa.column("rule_id").not_like("%.report"))


def down(conn: sa.Connection) -> None:
    """Do nothing: what is deleted is gone."""
