"""Writes a round of OCP reports with a fixed number of set-based statements.

Contract ingest 6 with departures 4, 5 and 8. A round has each cluster once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from ..model import ClusterId, OrgId, Report
from . import tables as t
from .hit_writer import hit_writer
from .rows import Rows, is_in, list_parameter

_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_TEXT = sa.String()


class ReportWriter:
    """The statements for one dialect, built once."""

    def __init__(self, dialect: str, clock: Callable[[], datetime]) -> None:
        self._dialect = dialect
        self._clock = clock
        self._owners = self._select_owners()
        self._other_owners = self._select_other_owners()
        self._reports, self._put_reports = self._upsert_reports()
        self._hits = hit_writer(dialect)
        self._versions, self._put_versions = self._upsert_versions()
        self._moved = Rows(dialect, "moved", cluster=_TEXT, org=_TEXT)
        self._moves = [
            self._move(table)
            for table in (
                t.cluster_rule_toggle,
                t.cluster_rule_user_feedback,
                t.cluster_user_rule_disable_feedback,
                t.report_info,
            )
        ]

    async def write(self, conn: AsyncConnection, reports: Sequence[Report]) -> set[ClusterId]:
        """Write the reports that are newer than the stored ones; return their clusters."""
        now = self._clock()
        names = [report.cluster for report in reports]
        owners, seen = await self._stored(conn, names)
        fresh = [one for one in reports if _is_newer(one, seen.get(one.cluster))]
        won = await self._write_reports(conn, fresh, now)
        fresh = [report for report in fresh if report.cluster in won]
        if fresh:
            await self._move_clusters(conn, fresh, owners)
            await self._hits.replace(conn, fresh, now, seen.keys())
            await self._write_versions(conn, fresh, seen.keys())
        return won

    async def _stored(
        self, conn: AsyncConnection, names: list[ClusterId]
    ) -> tuple[dict[ClusterId, OrgId], dict[ClusterId, datetime | None]]:
        """Lock the stored reports; return their owners and times."""
        parameters = {"names": list_parameter(self._dialect, names)}
        rows = (await conn.execute(self._owners, parameters)).all()
        return {row.cluster: row.org_id for row in rows}, {
            row.cluster: row.last_checked_at for row in rows
        }

    async def _write_reports(
        self, conn: AsyncConnection, fresh: list[Report], now: datetime
    ) -> set[ClusterId]:
        if not fresh:
            return set()
        values = [
            (one.org, one.cluster, one.text, now, one.last_checked_at, one.gathered_at)
            for one in fresh
        ]
        result = await conn.execute(self._put_reports, self._reports.bind(values))
        return {ClusterId(name) for name in result.scalars()}

    async def _move_clusters(
        self, conn: AsyncConnection, fresh: list[Report], owners: dict[ClusterId, OrgId]
    ) -> None:
        """Move users' rows of a cluster to its new organization, if that has changed."""
        unknown = [one.cluster for one in fresh if one.cluster not in owners]
        if unknown:
            parameters = {"names": list_parameter(self._dialect, unknown)}
            for row in await conn.execute(self._other_owners, parameters):
                owners[row.cluster_id] = row.org_id
        moved = [
            (one.cluster, str(one.org))
            for one in fresh
            if owners.get(one.cluster, one.org) != one.org
        ]
        if moved:
            for statement in self._moves:
                await conn.execute(statement, self._moved.bind(moved))

    async def _write_versions(
        self, conn: AsyncConnection, fresh: list[Report], locked: Collection[ClusterId]
    ) -> None:
        values = [
            (one.org, one.cluster, one.version, one.cluster in locked)
            for one in fresh
            if one.version is not None
        ]
        if values:
            await conn.execute(self._put_versions, self._versions.bind(values))

    def _select_owners(self) -> sa.Select[Any]:
        return (
            sa.select(t.report.c.cluster, t.report.c.org_id, t.report.c.last_checked_at)
            .where(is_in(self._dialect, t.report.c.cluster, "names"))
            .order_by(t.report.c.cluster)
            .with_for_update()
        )

    def _select_other_owners(self) -> sa.CompoundSelect[Any]:
        """Select owners of clusters that have other rows but no report row."""
        return sa.union(
            *(
                sa.select(table.c.cluster_id, table.c.org_id).where(
                    is_in(self._dialect, table.c.cluster_id, "names")
                )
                for table in (t.recommendation, t.report_info)
            )
        )

    def _upsert_reports(self) -> tuple[Rows, Any]:
        time = sa.DateTime()
        rows = Rows(
            self._dialect,
            "given",
            org_id=sa.Integer(),
            cluster=_TEXT,
            report=_TEXT,
            reported_at=time,
            last_checked_at=time,
            gathered_at=time,
        )
        insert = _INSERT[self._dialect](t.report).from_select(
            list(rows.c.keys()),
            sa.select(rows.clause).where(sa.true()).order_by(rows.c.cluster),
            include_defaults=False,
        )
        given = insert.excluded
        newer = sa.or_(
            t.report.c.last_checked_at.is_(None),
            t.report.c.last_checked_at < given.last_checked_at,
        )
        changed = {name: given[name] for name in rows.c.keys() if name != "cluster"}  # noqa: SIM118
        upsert = insert.on_conflict_do_update(
            index_elements=["cluster"], set_={**changed, "kafka_offset": 0}, where=newer
        )
        return rows, upsert.returning(t.report.c.cluster)

    def _upsert_versions(self) -> tuple[Rows, Any]:
        table = t.report_info
        rows = Rows(
            self._dialect,
            "given",
            org_id=sa.Integer(),
            cluster_id=_TEXT,
            version_info=_TEXT,
            locked=sa.Boolean(),
        )
        given = [rows.c[column.name] for column in table.c]
        # unchanged rows are not written, as with hits
        written = sa.exists().where(*(old == new for old, new in zip(table.c, given, strict=True)))
        insert = _INSERT[self._dialect](table).from_select(
            list(table.c), sa.select(*given).where(~sa.and_(rows.c.locked, written))
        )
        new = insert.excluded
        return rows, insert.on_conflict_do_update(
            index_elements=["cluster_id"],
            set_={"org_id": new.org_id, "version_info": new.version_info},
        )

    def _move(self, table: sa.Table) -> Any:
        moved = self._moved
        org = sa.cast(moved.c.org, table.c.org_id.type)
        if self._dialect == "postgresql":
            return sa.update(table).values(org_id=org).where(table.c.cluster_id == moved.c.cluster)
        new = sa.select(org).where(moved.c.cluster == table.c.cluster_id).scalar_subquery()
        return (
            sa.update(table)
            .values(org_id=new)
            .where(table.c.cluster_id.in_(sa.select(moved.c.cluster)))
        )


def _is_newer(report: Report, stored: datetime | None) -> bool:
    return stored is None or report.last_checked_at > stored
