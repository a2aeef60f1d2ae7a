"""Writes a batch of DVO reports with four set-based statements: lock, read, delete, insert.

Contract storage 4.3 with departures 4 and 5. The reports of a batch are applied one by one in
memory, and only the final state of a cluster is written. A cluster whose newest report has no
namespace has no row with its time, so this process keeps that time in memory: `emptied`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from ..model import ClusterId, DvoReport
from .rows import Rows, is_in, list_parameter
from .tables import dvo_report as table

# new clusters have no rows to lock, so writers take advisory locks on hashes of their names
_LOCK_CLASS = 1_146_507_087
_LOCKS = 4096
_TEXT = sa.String()
_TIME = sa.DateTime()


@dataclass(slots=True)
class _State:
    """State of a cluster: its newest time, and the first time of each namespace."""

    newest: datetime | None = None
    since: dict[str, datetime | None] = field(default_factory=dict)
    report: DvoReport | None = None

    def add(self, namespace: str, since: datetime | None, checked: datetime | None) -> None:
        """Add a stored row."""
        known = self.since.get(namespace)
        self.since[namespace] = min(known, since) if known and since else known or since
        if checked is not None and (self.newest is None or checked > self.newest):
            self.newest = checked

    def take(self, report: DvoReport) -> bool:
        """Apply the report unless the state is as new or newer."""
        checked = report.last_checked_at
        if self.newest is not None and checked <= self.newest:
            return False
        self.since = {
            one.namespace: self.since.get(one.namespace) or checked for one in report.namespaces
        }
        self.newest = checked
        self.report = report
        return True


class WorkloadWriter:
    """The statements of a dialect, built once."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        of_clusters = is_in(dialect, table.c.cluster_id, "names")
        self._select = (
            sa.select(
                table.c.cluster_id,
                table.c.namespace_id,
                table.c.reported_at,
                table.c.last_checked_at,
            )
            .where(of_clusters)
            .order_by(table.c.cluster_id, table.c.org_id, table.c.namespace_id)
            .with_for_update()
        )
        self._delete = sa.delete(table).where(of_clusters)
        self._texts = Rows(dialect, "texts", cluster_id=_TEXT, text=sa.Text())
        self._given = Rows(
            dialect,
            "given",
            org_id=sa.Integer(),
            cluster_id=_TEXT,
            namespace_id=_TEXT,
            namespace_name=_TEXT,
            recommendations=sa.Integer(),
            objects=sa.Integer(),
            reported_at=_TIME,
            last_checked_at=_TIME,
            rule_hits_count=sa.Text(),
        )
        self._insert = self._insert_rows()
        self._lock = _lock_statement() if dialect == "postgresql" else None
        self._emptied: dict[str, datetime] = {}

    def _insert_rows(self) -> Any:
        """Each report's text is sent once, even if stored with several namespaces."""
        given, texts = self._given, self._texts
        names = [name for name in given.c.keys() if name != "rule_hits_count"]  # noqa: SIM118
        hits: Any = given.c.rule_hits_count
        if self._dialect == "postgresql":
            hits = sa.cast(hits, table.c.rule_hits_count.type)
        source = sa.select(*(given.c[name] for name in names), hits, texts.c.text).select_from(
            given.clause.join(texts.clause, texts.c.cluster_id == given.c.cluster_id)
        )
        return sa.insert(table).from_select(
            [*names, "rule_hits_count", "report"], source, include_defaults=False
        )

    async def write(self, conn: AsyncConnection, reports: Sequence[DvoReport]) -> list[bool]:
        """Write the batch; return for each report True if it was stored."""
        names = sorted({report.cluster for report in reports})
        if self._lock is not None:
            await conn.execute(self._lock, {"locks": _locks(names)})
        states = await self._read(conn, names)
        stored = [states[report.cluster].take(report) for report in reports]
        changed = [name for name in names if states[name].report is not None]
        if changed:
            values = {"names": list_parameter(self._dialect, changed)}
            await conn.execute(self._delete, values)
            await self._put(conn, [states[name] for name in changed])
        return stored

    async def _read(self, conn: AsyncConnection, names: list[ClusterId]) -> dict[str, _State]:
        states: dict[str, _State] = {name: _State() for name in names}
        values = {"names": list_parameter(self._dialect, names)}
        for cluster, namespace, since, checked in await conn.execute(self._select, values):
            states[cluster].add(namespace, since, checked)
        for name, state in states.items():
            if state.newest is None:
                state.newest = self._emptied.get(name)
        return states

    def remember(self, reports: Sequence[DvoReport], stored: Sequence[bool]) -> None:
        """Remember the clusters that have no row now; call it after the commit."""
        for report, was_stored in zip(reports, stored, strict=True):
            if was_stored and report.namespaces:
                self._emptied.pop(report.cluster, None)
            elif was_stored:
                self._emptied[report.cluster] = report.last_checked_at

    async def _put(self, conn: AsyncConnection, states: Iterable[_State]) -> None:
        given, texts = [], []
        for state in states:
            rows = _rows(state)
            if state.report is not None and rows:
                texts.append((state.report.cluster, state.report.text))
                given += rows
        if given:
            await conn.execute(self._insert, self._given.bind(given) | self._texts.bind(texts))


def _rows(state: _State) -> list[tuple[Any, ...]]:
    report = state.report
    if report is None:
        return []
    return [
        (
            report.org,
            report.cluster,
            one.namespace,
            one.name,
            one.recommendations,
            one.objects,
            state.since[one.namespace],
            report.last_checked_at,
            json.dumps(one.hits),
        )
        for one in report.namespaces
    ]


def _lock_statement() -> Any:
    numbers = ARRAY(sa.Integer)
    lock = sa.func.unnest(sa.cast(sa.bindparam("locks", type_=numbers), numbers)).table_valued(
        sa.column("number", sa.Integer), name="lock"
    )
    return sa.select(
        sa.func.count(sa.func.pg_advisory_xact_lock(_LOCK_CLASS, lock.render_derived().c.number))
    )


def _locks(names: Iterable[ClusterId]) -> list[int]:
    """Return the clusters' lock numbers, ascending: the order in which all writers lock."""
    digests = (hashlib.blake2b(name.encode(), digest_size=4).digest() for name in names)
    return sorted({int.from_bytes(digest) % _LOCKS for digest in digests})
