"""Writes rule hits and recommendations of OCP reports, replacing those of the previous reports.

A hit that was in the previous report keeps its created_at, also when the cluster's organization
has changed (contract ingest 6).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from ..model import REPORT_SUFFIX, ClusterId, Report
from . import tables as t
from .rows import Rows, is_in, list_parameter

_TEXT = sa.String()
_Old = dict[tuple[str, str, str], datetime | None]


class HitWriter(Protocol):
    """Replaces hits and recommendations of reports; each cluster occurs once in the list."""

    async def replace(
        self,
        conn: AsyncConnection,
        fresh: Sequence[Report],
        now: datetime,
        locked: Collection[ClusterId],
    ) -> None:
        """Replace the rows of these clusters; created_at of new ones is `now`, naive UTC.

        `locked` clusters have a report row that this transaction has locked, so no other writer
        changes their hits.
        """


def hit_writer(dialect: str) -> HitWriter:
    """Return the writer for the database's dialect."""
    return _Merge() if dialect == "postgresql" else _Replace(dialect)


class _Merge:
    """Merges in one statement per table, which writes only changed rows to save index updates.

    All CTEs see the snapshot before the statement, and no two of them write the same row.
    """

    def __init__(self) -> None:
        self._rows = Rows(
            "postgresql",
            "given",
            org_id=sa.Integer(),
            cluster_id=_TEXT,
            rule_fqdn=_TEXT,
            error_key=_TEXT,
            template_data=_TEXT,
            recommended=_TEXT,
            locked=sa.Boolean(),
        )
        self._given = sa.select(self._rows.clause).cte("given")
        self._now = sa.bindparam("now", type_=sa.DateTime())
        given = self._given.c
        self._statement = self._put_recommendations().add_cte(
            self._gone(t.rule_hit, given.rule_fqdn).cte("gone_hits"),
            self._put_hits().cte("put_hits"),
            self._gone(t.recommendation, given.recommended).cte("gone_recommendations"),
        )

    async def replace(
        self,
        conn: AsyncConnection,
        fresh: Sequence[Report],
        now: datetime,
        locked: Collection[ClusterId],
    ) -> None:
        """Send the hits once; recommendations are derived from them in SQL."""
        values = []
        for one in fresh:
            org, cluster, mine = one.org, one.cluster, one.cluster in locked
            for hit, name in zip(one.hits, _recommended(one), strict=True):
                values.append(
                    (org, cluster, hit.rule_id, hit.error_key, hit.template_data, name, mine)
                )
        parameters = self._rows.bind(values)
        parameters["names"] = [one.cluster for one in fresh]
        parameters["now"] = now.replace(microsecond=0)
        await conn.execute(self._statement, parameters)

    def _gone(self, table: sa.Table, rule: sa.ColumnElement[str]) -> sa.Delete:
        given = self._given.c
        stays = sa.exists().where(
            given.cluster_id == table.c.cluster_id,
            given.org_id == table.c.org_id,
            rule == table.c.rule_fqdn,
            given.error_key == table.c.error_key,
        )
        return sa.delete(table).where(is_in("postgresql", table.c.cluster_id, "names"), ~stays)

    def _first_seen(
        self, created_at: sa.Column[datetime], rule: sa.ColumnElement[str], *more: Any
    ) -> tuple[Any, Any, Any]:
        """Return the join with the previous rows, the created_at, and the columns of `more`."""
        table, given = created_at.table, self._given.c
        name = (table.c.cluster_id, table.c.rule_fqdn, table.c.error_key)
        old = (
            sa.select(*name, sa.func.min(created_at).label("created_at"), *more)
            .where(is_in("postgresql", table.c.cluster_id, "names"))
            .group_by(*name)
            .subquery(f"old_{table.name}")
        )
        same = sa.and_(
            old.c.cluster_id == given.cluster_id,
            old.c.rule_fqdn == rule,
            old.c.error_key == given.error_key,
        )
        return (
            self._given.outerjoin(old, same),
            sa.func.coalesce(old.c.created_at, self._now),
            old.c,
        )

    def _put_hits(self) -> Any:
        """Insert new hits and update those whose details have changed.

        Hits of a cluster without a locked report row are always written, since a concurrent
        transaction may be deleting them.
        """
        table, given = t.rule_hit, self._given.c
        source, created_at, old = self._first_seen(
            table.c.created_at,
            given.rule_fqdn,
            sa.func.count().label("rows"),
            sa.func.min(table.c.org_id).label("org_id"),
            sa.func.min(table.c.template_data).label("template_data"),
        )
        written = sa.and_(
            given.locked,
            old.rows == 1,
            old.org_id == given.org_id,
            old.template_data == given.template_data,
            old.created_at.is_not(None),
        )
        columns = ("org_id", "cluster_id", "rule_fqdn", "error_key", "template_data")
        insert = postgresql.insert(table).from_select(
            [*columns, "created_at"],
            sa.select(*(given[name] for name in columns), created_at)
            .select_from(source)
            .where(sa.func.coalesce(written, sa.false()).is_(sa.false())),
        )
        new = insert.excluded
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={
                "template_data": new.template_data,
                "created_at": sa.func.coalesce(table.c.created_at, new.created_at),
            },
        )

    def _put_recommendations(self) -> Any:
        table, given = t.recommendation, self._given.c
        source, created_at, _ = self._first_seen(table.c.impacted_since, given.recommended)
        insert = postgresql.insert(table).from_select(
            [column.name for column in table.c],
            sa.select(
                given.org_id,
                given.cluster_id,
                given.recommended,
                given.error_key,
                given.recommended.concat("|").concat(given.error_key),
                self._now,
                created_at,
            )
            .select_from(source)
            .where(given.recommended.is_not(None)),
        )
        new = insert.excluded
        since = sa.func.coalesce(table.c.impacted_since, new.impacted_since)
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={
                "rule_id": new.rule_id,
                "created_at": new.created_at,
                "impacted_since": since,
            },
        )


class _Replace:
    """Deletes the previous rows and inserts the new ones: four plain statements."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._drop_hits = self._delete(t.rule_hit, t.rule_hit.c.created_at)
        self._drop_recommendations = self._delete(
            t.recommendation, t.recommendation.c.impacted_since
        )
        self._hits, self._put_hits = self._insert(t.rule_hit)
        self._recommendations, self._put_recommendations = self._insert(t.recommendation)

    async def replace(
        self,
        conn: AsyncConnection,
        fresh: Sequence[Report],
        now: datetime,
        locked: Collection[ClusterId],
    ) -> None:
        """Read each created_at while deleting; insert it again for hits that remain."""
        now = now.replace(microsecond=0)
        names = {"names": list_parameter(self._dialect, [one.cluster for one in fresh])}
        hits_old = await self._dropped(conn, self._drop_hits, names)
        old = await self._dropped(conn, self._drop_recommendations, names)
        hits, recommendations = [], []
        for one in fresh:
            for hit, name in zip(one.hits, _recommended(one), strict=True):
                key = hit.error_key
                created_at = hits_old.get((one.cluster, hit.rule_id, key)) or now
                hits.append((one.org, one.cluster, hit.rule_id, key, hit.template_data, created_at))
                if name is not None:
                    since = old.get((one.cluster, name, key)) or now
                    selector = f"{name}|{key}"
                    recommendations.append((one.org, one.cluster, name, key, selector, now, since))
        if hits:
            await conn.execute(self._put_hits, self._hits.bind(hits))
            await conn.execute(
                self._put_recommendations, self._recommendations.bind(recommendations)
            )

    async def _dropped(self, conn: AsyncConnection, statement: Any, names: dict[str, Any]) -> _Old:
        rows = await conn.execute(statement, names)
        return {(row.cluster_id, row.rule_fqdn, row.error_key): row.created_at for row in rows}

    def _delete(self, table: sa.Table, created_at: sa.Column[datetime]) -> Any:
        name = (table.c.cluster_id, table.c.rule_fqdn, table.c.error_key)
        return (
            sa.delete(table)
            .where(is_in(self._dialect, table.c.cluster_id, "names"))
            .returning(*name, created_at.label("created_at"))
        )

    def _insert(self, table: sa.Table) -> tuple[Rows, Any]:
        columns = {column.name: column.type for column in table.columns}
        rows = Rows(self._dialect, "given", **columns)
        return rows, sa.insert(table).from_select(list(columns), sa.select(rows.clause))


def _recommended(report: Report) -> list[str | None]:
    """Return each hit's recommendation, None if a later hit has the same one."""
    names: list[str | None] = [hit.rule_id.removesuffix(REPORT_SUFFIX) for hit in report.hits]
    last = {
        (name, hit.error_key): at
        for at, (name, hit) in enumerate(zip(names, report.hits, strict=True))
    }
    if len(last) < len(names):
        kept = set(last.values())
        return [name if at in kept else None for at, name in enumerate(names)]
    return names
