"""Workloads of messages that were read wrongly go."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ..deletion import delete


def up(conn: sa.Connection) -> None:
    checked = sa.column("last_checked_at", sa.DateTime())
    delete(conn, "dvo_report", checked <= datetime(2024, 3, 9), schema="dvo")


def down(conn: sa.Connection) -> None:
    """Do nothing: what is deleted is gone."""
