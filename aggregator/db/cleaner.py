"""Deletes by the policy of the Go service's cleaner: old rows of five tables, or listed clusters.

Contract storage 11 has the policy. Unlike the cleaner, a chunk is one transaction, the DVO table is
found in its schema, and locked rows are skipped instead of waited for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import tables as t
from .engine import Database
from .rows import is_in, list_parameter

_BEFORE = sa.bindparam("before", type_=sa.DateTime)
_SIZE = sa.bindparam("size", type_=sa.Integer)
_REPORT_OF_HIT = sa.and_(
    t.report.c.org_id == t.rule_hit.c.org_id, t.report.c.cluster == t.rule_hit.c.cluster_id
)
# in the cleaner's order: rule hits are old because their report is
_OLD: dict[sa.Table, sa.ColumnElement[bool]] = {
    t.rule_hit: sa.or_(
        sa.exists().where(_REPORT_OF_HIT, t.report.c.reported_at < _BEFORE),
        ~sa.exists().where(_REPORT_OF_HIT),
    ),
    t.report: t.report.c.reported_at < _BEFORE,
    t.consumer_error: t.consumer_error.c.consumed_at < _BEFORE,
    t.recommendation: t.recommendation.c.created_at < _BEFORE,
    t.dvo_report: t.dvo_report.c.last_checked_at < _BEFORE,
}
# in the cleaner's order: votes refer to the report
_OF_CLUSTER = (
    t.cluster_rule_toggle, t.cluster_rule_user_feedback, t.cluster_user_rule_disable_feedback,
    t.rule_hit, t.recommendation, t.report_info, t.report, t.dvo_report,
)  # fmt: skip


class Cleaner:
    """Clean-up of one database by the cleaner's policy, of its OCP schema, DVO schema, or both."""

    def __init__(self, database: Database, *, ocp: bool, dvo: bool) -> None:
        self._db = database
        self._chosen = {False: ocp, True: dvo}

    async def count(self, before: datetime) -> Counter[str]:
        """Return the number of rows per table that are older than the time (naive UTC)."""
        found = {
            table.name: sa.select(sa.func.count()).select_from(table).where(old)
            for table, old in self._tables(_OLD)
        }
        return await self._counts(found, {"before": before})

    async def delete(self, before: datetime, size: int) -> AsyncIterator[Counter[str]]:
        """Delete older rows, `size` a transaction; yield the deleted rows after each."""
        for table, old in self._tables(_OLD):
            key = list(table.primary_key)
            chunk = sa.select(*key).where(old).limit(_SIZE).with_for_update(skip_locked=True)
            statement = sa.delete(table).where(sa.tuple_(*key).in_(chunk))
            values, deleted = {"before": before, "size": size}, size
            while deleted == size:
                deleted = await self._db.transaction(partial(_run, statement, values))
                yield Counter({table.name: deleted})

    async def count_of(self, clusters: Sequence[str]) -> Counter[str]:
        """Return the number of rows per table that belong to these clusters."""
        found = {
            table.name: sa.select(sa.func.count()).select_from(table).where(self._named(table))
            for table, _ in self._tables(dict.fromkeys(_OF_CLUSTER, sa.true()))
        }
        return await self._counts(found, self._names(clusters))

    async def delete_of(self, clusters: Sequence[str], size: int) -> AsyncIterator[Counter[str]]:
        """Delete all rows of these clusters, `size` clusters a transaction."""
        tables = [table for table, _ in self._tables(dict.fromkeys(_OF_CLUSTER, sa.true()))]
        statements = {table.name: sa.delete(table).where(self._named(table)) for table in tables}
        for begin in range(0, len(clusters), size):
            values = self._names(clusters[begin : begin + size])
            yield await self._db.transaction(partial(_run_all, statements, values))

    def _tables(
        self, conditions: dict[sa.Table, sa.ColumnElement[bool]]
    ) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
        return [
            (table, condition)
            for table, condition in conditions.items()
            if self._chosen[table is t.dvo_report]
        ]

    async def _counts(self, found: dict[str, sa.Select[Any]], values: Any) -> Counter[str]:
        return Counter(
            {name: (await self._db.rows(one, values))[0][0] for name, one in found.items()}
        )

    def _named(self, table: sa.Table) -> sa.ColumnElement[bool]:
        column = table.c.cluster if table is t.report else table.c.cluster_id
        return is_in(self._db.dialect, column, "names")

    def _names(self, clusters: Sequence[str]) -> dict[str, Any]:
        return {"names": list_parameter(self._db.dialect, clusters)}


async def _run(statement: sa.Delete, values: dict[str, Any], conn: AsyncConnection) -> int:
    return (await conn.execute(statement, values)).rowcount


async def _run_all(
    statements: dict[str, sa.Delete], values: dict[str, Any], conn: AsyncConnection
) -> Counter[str]:
    return Counter({name: await _run(one, values, conn) for name, one in statements.items()})
