"""Counts and deletes rows older than an age, in chunks beside running ingest and requests.

Contract storage 11 defines which rows are old. A chunk is one transaction. It locks the rows that
are still old with SKIP LOCKED, in the order in which ingest locks them, and deletes only these: it
never waits for a lock, and rows that were updated in the meantime stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import tables as t
from .engine import Database
from .rows import Rows, is_in, list_parameter

# names kept in memory; each further page may scan the whole table again
PAGE = 50_000

_BEFORE = sa.bindparam("before", type_=sa.DateTime)
_AFTER = sa.bindparam("after", type_=sa.String)
_OLD_REPORT = t.report.c.reported_at < _BEFORE
_OLD_WORKLOADS = t.dvo_report.c.last_checked_at < _BEFORE
_OLD_ERROR = t.consumer_error.c.consumed_at < _BEFORE


def _created_before(created_at: sa.Column[datetime]) -> sa.ColumnElement[bool]:
    return sa.or_(created_at.is_(None), created_at < _BEFORE)


# orphans of reports deleted by other tools; version rows have no time
_ABANDONED: dict[sa.Table, sa.ColumnElement[bool]] = {
    t.rule_hit: _created_before(t.rule_hit.c.created_at),
    t.recommendation: _created_before(t.recommendation.c.created_at),
    t.report_info: sa.true(),
}
# toggles and disable feedback are never deleted; votes are deleted with the report
_OF_REPORT = (*_ABANDONED, t.cluster_rule_user_feedback)


class _Work(Protocol):
    """One kind of rows: counts the old ones, deletes them in one transaction per chunk."""

    async def count(self, before: datetime) -> Counter[str]: ...

    def delete(self, before: datetime, size: int) -> AsyncIterator[Counter[str]]: ...


class Retention:
    """Clean-up of one database, of its OCP schema, its DVO schema, or both."""

    def __init__(self, database: Database, *, ocp: bool, dvo: bool) -> None:
        self._db = database
        self._work: list[_Work] = []
        if ocp:
            self._work.append(_Reports(database))
            self._work += [_Abandoned(database, table) for table in _ABANDONED]
        if dvo:
            self._work.append(_Workloads(database))

    async def count(self, before: datetime) -> Counter[str]:
        """Return the number of rows per table that are older than the time (naive UTC)."""
        total: Counter[str] = Counter()
        for work in await self._all():
            for name, rows in (await work.count(before)).items():
                total[name] += rows
        return total

    async def delete(self, before: datetime, size: int) -> AsyncIterator[Counter[str]]:
        """Delete older rows; yield the deleted rows per table after each transaction.

        A transaction is about `size` clusters at most, or `size` rows of consumer_error.
        """
        for work in await self._all():
            async for rows in work.delete(before, size):
                yield rows

    async def _all(self) -> list[_Work]:
        """Return the work; a database for DVO alone need not have table consumer_error."""
        present = await self._db.transaction(_has_consumer_error)
        return [*self._work, *([_ConsumerErrors(self._db)] if present else [])]


class _OfClusters:
    """Old rows, found by cluster."""

    def __init__(self, database: Database, page: sa.Select[Any], counts: dict[str, Any]) -> None:
        self._db = database
        self._page = page.limit(sa.bindparam("page", type_=sa.Integer))
        self._counts = counts

    async def count(self, before: datetime) -> Counter[str]:
        """Count old rows per table."""
        values = {"before": before}
        return Counter(
            {
                name: (await self._db.rows(statement, values))[0][0]
                for name, statement in self._counts.items()
            }
        )

    async def delete(self, before: datetime, size: int) -> AsyncIterator[Counter[str]]:
        """Delete chunk by chunk, clusters ascending by name."""
        values: dict[str, Any] = {"before": before, "after": "", "page": PAGE}
        while names := [row[0] for row in await self._db.rows(self._page, values)]:
            for begin in range(0, len(names), size):
                part = names[begin : begin + size]
                yield await self._db.transaction(partial(self._delete, before, part))
            values["after"] = names[-1]

    async def _delete(
        self, before: datetime, names: list[str], conn: AsyncConnection
    ) -> Counter[str]:
        raise NotImplementedError


class _Reports(_OfClusters):
    """Clusters without a report since, with all rows written by ingest."""

    def __init__(self, database: Database) -> None:
        report, dialect = t.report, database.dialect
        counts = {report.name: _count(report).where(_OLD_REPORT)}
        for table in _OF_REPORT:
            old = report.c.cluster == table.c.cluster_id
            counts[table.name] = _count(table.join(report, old)).where(_OLD_REPORT)
        page = sa.select(report.c.cluster).where(_OLD_REPORT, report.c.cluster > _AFTER)
        super().__init__(database, page.order_by(report.c.cluster), counts)
        named = is_in(dialect, report.c.cluster, "names")
        self._lock = (
            sa.select(report.c.cluster)
            .where(named, _OLD_REPORT)
            .order_by(report.c.cluster)
            .with_for_update(skip_locked=True)
        )
        self._deletes = [
            (table.name, sa.delete(table).where(is_in(dialect, table.c.cluster_id, "names")))
            for table in _OF_REPORT
        ]
        self._deletes.append((report.name, sa.delete(report).where(named, _OLD_REPORT)))

    async def _delete(
        self, before: datetime, names: list[str], conn: AsyncConnection
    ) -> Counter[str]:
        dialect = self._db.dialect
        values = {"before": before, "names": list_parameter(dialect, names)}
        locked = (await conn.execute(self._lock, values)).scalars().all()
        values["names"] = list_parameter(dialect, locked)
        rows: Counter[str] = Counter()
        for name, statement in self._deletes if locked else ():
            rows[name] = (await conn.execute(statement, values)).rowcount
        return rows


class _Keyed(_OfClusters):
    """Locks rows, then deletes by primary key those that are still old.

    The second statement sees what was committed before the rows were locked.
    """

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        page: sa.Select[Any],
        count: sa.Select[Any],
        old: sa.ColumnElement[bool],
        still: sa.ColumnElement[bool],
    ) -> None:
        super().__init__(database, page, {table.name: count})
        key = list(table.primary_key)
        named = is_in(database.dialect, table.c.cluster_id, "names")
        self._name = table.name
        self._lock = (
            sa.select(*key)
            .where(named, old)
            .order_by(table.c.cluster_id, *key)
            .with_for_update(skip_locked=True)
        )
        self._rows = Rows(
            database.dialect, "locked", **{column.name: column.type for column in key}
        )
        locked = sa.tuple_(*key).in_(sa.select(self._rows.clause))
        self._delete_locked = sa.delete(table).where(named, locked, still)

    async def _delete(
        self, before: datetime, names: list[str], conn: AsyncConnection
    ) -> Counter[str]:
        values = {"before": before, "names": list_parameter(self._db.dialect, names)}
        locked: Sequence[Any] = (await conn.execute(self._lock, values)).all()
        values |= self._rows.bind(locked)
        return Counter({self._name: (await conn.execute(self._delete_locked, values)).rowcount})


class _Abandoned(_Keyed):
    """Orphans: rows of a table whose cluster has no report."""

    def __init__(self, database: Database, table: sa.Table) -> None:
        cluster, old = table.c.cluster_id, _ABANDONED[table]
        joined = table.outerjoin(t.report, t.report.c.cluster == cluster)
        alone = t.report.c.cluster.is_(None)
        page = sa.select(cluster).distinct().select_from(joined).order_by(cluster)
        super().__init__(
            database,
            table,
            page.where(alone, old, cluster > _AFTER),
            _count(joined).where(alone, old),
            old,
            ~sa.exists().where(t.report.c.cluster == cluster),
        )


class _Workloads(_Keyed):
    """Namespaces of clusters without a DVO report since."""

    def __init__(self, database: Database) -> None:
        table, cluster = t.dvo_report, t.dvo_report.c.cluster_id
        page = sa.select(cluster).distinct().order_by(cluster)
        super().__init__(
            database,
            table,
            page.where(_OLD_WORKLOADS, cluster > _AFTER),
            _count(table).where(_OLD_WORKLOADS),
            _OLD_WORKLOADS,
            _OLD_WORKLOADS,
        )


class _ConsumerErrors:
    """Invalid messages, whose rows are written once."""

    def __init__(self, database: Database) -> None:
        self._db = database
        table = t.consumer_error
        self._name = table.name
        self._count = _count(table).where(_OLD_ERROR)
        key = list(table.primary_key)
        oldest = (
            sa.select(*key)
            .where(_OLD_ERROR)
            .order_by(table.c.consumed_at, *key)
            .limit(sa.bindparam("size", type_=sa.Integer))
        )
        self._delete = sa.delete(table).where(sa.tuple_(*key).in_(oldest), _OLD_ERROR)

    async def count(self, before: datetime) -> Counter[str]:
        """Count them."""
        return Counter({self._name: (await self._db.rows(self._count, {"before": before}))[0][0]})

    async def delete(self, before: datetime, size: int) -> AsyncIterator[Counter[str]]:
        """Delete chunk by chunk, oldest first."""
        deleted = size
        while deleted == size:
            values = {"before": before, "size": size}
            deleted = await self._db.transaction(partial(self._delete_some, values))
            yield Counter({self._name: deleted})

    async def _delete_some(self, values: dict[str, Any], conn: AsyncConnection) -> int:
        return (await conn.execute(self._delete, values)).rowcount


async def _has_consumer_error(conn: AsyncConnection) -> bool:
    name = t.consumer_error.name
    return await conn.run_sync(lambda sync: sa.inspect(sync).has_table(name))


def _count(source: sa.FromClause) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(source)
