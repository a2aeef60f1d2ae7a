"""Toggles without an error key go."""

from __future__ import annotations

import sqlalchemy as sa

from ..deletion import delete


def up(conn: sa.Connection) -> None:
    delete(conn, "cluster_rule_toggle", sa.column("error_key") == "")


def down(conn: sa.Connection) -> None:
    """Do nothing: what is deleted is gone."""
