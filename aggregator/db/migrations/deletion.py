"""Rows that a step deletes: counted in the log, because no step down brings them back."""

from __future__ import annotations

import logging

import sqlalchemy as sa

_LOG = logging.getLogger("aggregator.db.migrations")


def delete(
    conn: sa.Connection, table: str, *conditions: sa.ColumnElement[bool], schema: str | None = None
) -> None:
    """Delete the rows of the table for which all of the conditions hold."""
    target = sa.Table(table, sa.MetaData(), schema=schema)
    result = conn.execute(sa.delete(target).where(*conditions))
    _LOG.info("deleted %d rows from table %s", result.rowcount, table)
