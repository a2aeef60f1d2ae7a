"""Feedback goes with its report or its rule."""

from __future__ import annotations

import sqlalchemy as sa

from ..rebuild import rebuild

_COLUMNS = """
    cluster_id VARCHAR NOT NULL,
    rule_id    VARCHAR NOT NULL,
    user_id    VARCHAR NOT NULL,
    message    VARCHAR NOT NULL,
    user_vote  SMALLINT NOT NULL,
    added_at   TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (cluster_id, rule_id, user_id)
"""
_FOREIGN_KEYS = """,
    FOREIGN KEY (cluster_id) REFERENCES report(cluster) ON DELETE CASCADE,
    FOREIGN KEY (rule_id) REFERENCES rule(module) ON DELETE CASCADE
"""
_COPIED = ("cluster_id", "rule_id", "user_id", "message", "user_vote", "added_at", "updated_at")


def up(conn: sa.Connection) -> None:
    rebuild(conn, "cluster_rule_user_feedback", _COLUMNS + _FOREIGN_KEYS, _COPIED)


def down(conn: sa.Connection) -> None:
    rebuild(conn, "cluster_rule_user_feedback", _COLUMNS, _COPIED)
