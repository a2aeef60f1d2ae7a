"""INSERT ... ON CONFLICT for both databases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert(dialect: str, table: sa.Table) -> Any:
    """Return an INSERT that can take an ON CONFLICT clause."""
    return _INSERT[dialect](table)


def upsert(
    dialect: str,
    table: sa.Table,
    columns: Collection[str],
    *,
    changed: Collection[str],
    where: sa.FromClause | None = None,
    on: sa.ColumnElement[bool] | None = None,
) -> Any:
    """Return a statement that inserts one row, or changes the one with the same primary key.

    Parameters are named as the columns. Where `where` is given, nothing happens unless it has a
    row that fulfils `on`; that row stays locked, so it cannot go away before the commit.
    """
    values = [sa.bindparam(name, type_=table.c[name].type) for name in columns]
    if where is None or on is None:
        statement = insert(dialect, table).values(dict(zip(columns, values, strict=True)))
    else:
        source = sa.select(*values).select_from(where).where(on)
        locked = source.with_for_update(read=True, key_share=True)
        statement = insert(dialect, table).from_select(
            list(columns), locked, include_defaults=False
        )
    key = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=key, set_=new)


def upsert_for_cluster(
    dialect: str,
    table: sa.Table,
    columns: Collection[str],
    *,
    changed: Collection[str],
    report: sa.Table,
) -> Any:
    """Return an upsert that only happens when the cluster in `cluster_id` has a report."""
    cluster = sa.bindparam("cluster_id", type_=report.c.cluster.type)
    return upsert(
        dialect, table, columns, changed=changed, where=report, on=report.c.cluster == cluster
    )
