"""A toggle holds for all users of a cluster."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from ..rebuild import rebuild

_COLUMNS = """
    cluster_id     VARCHAR NOT NULL,
    rule_id        VARCHAR NOT NULL,
    user_id        VARCHAR{null},
    disabled       SMALLINT NOT NULL,
    disabled_at    TIMESTAMP,
    enabled_at     TIMESTAMP,
    updated_at     TIMESTAMP NOT NULL,
    disabled_check SMALLINT,
    CONSTRAINT cluster_rule_toggle_disabled_check CHECK (disabled >= 0 AND disabled <= 1),
    PRIMARY KEY ({key})
"""
_COPIED = (
    "cluster_id",
    "rule_id",
    "user_id",
    "disabled",
    "disabled_at",
    "enabled_at",
    "updated_at",
    "disabled_check",
)


log = logging.getLogger(__name__)


def up(conn: sa.Connection) -> None:
    _add_stray_column(conn)
    _keep_the_last_toggles(conn)
    if conn.dialect.name == "sqlite":
        definition = _COLUMNS.format(null="", key="cluster_id, rule_id")
        rebuild(conn, "cluster_rule_toggle", definition, _COPIED)
    else:
        conn.exec_driver_sql("""
            ALTER TABLE cluster_rule_toggle
            DROP CONSTRAINT cluster_rule_toggle_pkey,
            ADD CONSTRAINT cluster_rule_toggle_pkey PRIMARY KEY (cluster_id, rule_id)
        """)
        conn.exec_driver_sql("ALTER TABLE cluster_rule_toggle ALTER COLUMN user_id DROP NOT NULL")


def down(conn: sa.Connection) -> None:
    if conn.dialect.name == "sqlite":
        definition = _COLUMNS.format(null=" NOT NULL", key="cluster_id, rule_id, user_id")
        rebuild(conn, "cluster_rule_toggle", definition, _COPIED)
    else:
        conn.exec_driver_sql("""
            ALTER TABLE cluster_rule_toggle
            ALTER COLUMN user_id SET NOT NULL,
            DROP CONSTRAINT cluster_rule_toggle_pkey,
            ADD CONSTRAINT cluster_rule_toggle_pkey PRIMARY KEY (cluster_id, rule_id, user_id)
        """)


def _add_stray_column(conn: sa.Connection) -> None:
    """Add the column that step 7 of the Go service makes only since 2021."""
    columns = {column["name"] for column in sa.inspect(conn).get_columns("cluster_rule_toggle")}
    if "disabled_check" not in columns:
        conn.exec_driver_sql("ALTER TABLE cluster_rule_toggle ADD COLUMN disabled_check SMALLINT")


def _keep_the_last_toggles(conn: sa.Connection) -> None:
    """Delete all but the last toggle where several users had one for a rule of a cluster."""
    names = ("cluster_id", "rule_id", "user_id", "updated_at")
    toggle = sa.table("cluster_rule_toggle", *map(sa.column, names))
    other = toggle.alias()
    later = sa.or_(
        other.c.updated_at > toggle.c.updated_at,
        sa.and_(other.c.updated_at == toggle.c.updated_at, other.c.user_id > toggle.c.user_id),
    )
    same = (other.c.cluster_id == toggle.c.cluster_id) & (other.c.rule_id == toggle.c.rule_id)
    result = conn.execute(sa.delete(toggle).where(sa.exists().where(same & later)))
    if result.rowcount:
        log.info("deleted %d toggles that a later one of another user replaces", result.rowcount)
