"""INSERT ... ON CONFLICT DO UPDATE for PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..errors import NotFound
from ..model import MAX_STORED_ORG_ID, OrgId
from .engine import Database
from .tables import report

_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert(dialect: str, table: sa.Table) -> Any:
    """Return the dialect's INSERT, which supports ON CONFLICT."""
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
    """Return a statement that inserts a row or updates the one with the same primary key.

    Parameters are named as the columns. With `where`, the statement does nothing unless that table
    has a row that fulfils `on`; the row stays locked until the commit.
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


class ClusterUpsert:
    """An upsert that only happens when the cluster in `cluster_id` has a report."""

    def __init__(
        self, dialect: str, table: sa.Table, columns: Collection[str], *, changed: Collection[str]
    ) -> None:
        named = report.c.cluster == sa.bindparam("cluster_id", type_=report.c.cluster.type)
        owned = named & (report.c.org_id == sa.bindparam("owner", type_=report.c.org_id.type))
        self._of_any, self._of_owner = (
            upsert(dialect, table, columns, changed=changed, where=report, on=on).returning(
                table.c.cluster_id
            )
            for on in (named, owned)
        )

    async def run(self, database: Database, values: Mapping[str, Any], owner: OrgId | None) -> None:
        """Check and write in one statement.

        Raise NotFound when the cluster has no report of organization `owner`; None means any.
        """
        written: Sequence[Any] = ()
        if owner is None:
            written = await database.run(self._of_any, values)
        elif owner <= MAX_STORED_ORG_ID:
            written = await database.run(self._of_owner, {**values, "owner": owner})
        if not written:
            raise NotFound.item(values["cluster_id"])
