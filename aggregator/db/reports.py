"""OCP reports: stores batches, reads one user's view, deletes by cluster or organization."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ..errors import NotFound
from ..model import (
    MAX_STORED_ORG_ID,
    ClusterId,
    OrgId,
    Report,
    ReportInfo,
    ReportText,
    RuleHit,
    SingleRule,
    StoredReport,
    UserId,
    Vote,
    utc_now,
)
from ..parts import NAMES, in_parts, in_slices
from . import tables as t
from .engine import Database
from .report_reader import READ_REPORT, stored_report
from .report_writer import ReportWriter
from .rounds import rounds
from .rows import is_in, list_parameter

_ORG = sa.bindparam("org", type_=sa.Integer)
_CLUSTER = sa.bindparam("cluster", type_=sa.String)
_USER = sa.bindparam("user", type_=sa.String)
_RULE = sa.bindparam("rule", type_=sa.String)
_KEY = sa.bindparam("key", type_=sa.String)

# texts of reports that are read at once; one may have several megabytes
TEXTS = 20

_FEEDBACK = t.cluster_rule_user_feedback
_REASON = t.cluster_user_rule_disable_feedback
_TOGGLE = t.cluster_rule_toggle


def _select_info() -> sa.Select[Any]:
    count = (
        sa.select(sa.func.count())
        .where(t.rule_hit.c.org_id == _ORG, t.rule_hit.c.cluster_id == _CLUSTER)
        .scalar_subquery()
    )
    return sa.select(count.label("hits"), t.report.c.last_checked_at, t.report.c.reported_at).where(
        t.report.c.org_id == _ORG, t.report.c.cluster == _CLUSTER
    )


def _select_rule() -> sa.Select[Any]:
    """Select the hit and the newest toggle of its rule with any key (contract rest-api 3.3)."""

    def newest_toggle(column: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
        return (
            sa.select(column)
            .where(_TOGGLE.c.cluster_id == _CLUSTER, _TOGGLE.c.rule_id == _RULE)
            .order_by(_TOGGLE.c.updated_at.desc(), _TOGGLE.c.error_key)
            .limit(1)
            .scalar_subquery()
        )

    def of_user(table: sa.Table, column: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
        return (
            sa.select(column)
            .where(
                table.c.cluster_id == _CLUSTER,
                table.c.user_id == _USER,
                table.c.rule_id == _RULE,
                table.c.error_key == _KEY,
            )
            .scalar_subquery()
        )

    hit = t.rule_hit
    return sa.select(
        hit.c.template_data,
        of_user(_FEEDBACK, _FEEDBACK.c.user_vote).label("vote"),
        of_user(_REASON, _REASON.c.message).label("reason"),
        newest_toggle(_TOGGLE.c.disabled).label("disabled"),
        newest_toggle(_TOGGLE.c.disabled_at).label("disabled_at"),
    ).where(
        hit.c.org_id == _ORG,
        hit.c.cluster_id == _CLUSTER,
        hit.c.rule_fqdn == _RULE,
        hit.c.error_key == _KEY,
    )


_INFO, _RULE_OF_CLUSTER = _select_info(), _select_rule()
_COUNT = sa.select(sa.func.count()).select_from(t.report)
_BY_CLUSTER = (
    _FEEDBACK,
    _REASON,
    _TOGGLE,
    t.rule_hit,
    t.recommendation,
    t.report_info,
)


def _is_of_org(table: sa.Table) -> sa.ColumnElement[bool]:
    """Compare the organization, a number in some tables and text in others."""
    if isinstance(table.c.org_id.type, sa.Integer):
        return table.c.org_id == sa.bindparam("org", type_=sa.BigInteger)
    return table.c.org_id == sa.bindparam("org_text", type_=sa.String)


class SqlReports:
    """Reports in SQL tables (contract storage 1); `clock` returns naive UTC."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = database
        dialect = database.dialect
        self._writer = ReportWriter(dialect, clock)
        self._many = sa.select(t.report.c.cluster, t.report.c.org_id, t.report.c.report).where(
            is_in(dialect, t.report.c.cluster, "names")
        )
        self._deletes = [
            sa.delete(table).where(is_in(dialect, table.c.cluster_id, "names"))
            for table in _BY_CLUSTER
        ] + [sa.delete(t.report).where(is_in(dialect, t.report.c.cluster, "names"))]
        self._deletes_of_org = [
            statement.where(_is_of_org(table))
            for statement, table in zip(self._deletes, (*_BY_CLUSTER, t.report), strict=True)
        ]
        self._owned = sa.select(t.report.c.cluster).where(is_in(dialect, t.report.c.org_id, "orgs"))
        self._owned = self._owned.with_for_update()
        self._deletes_of_orgs = [
            sa.delete(table).where(
                is_in(
                    dialect,
                    table.c.org_id,
                    "orgs" if isinstance(table.c.org_id.type, sa.Integer) else "org_texts",
                )
            )
            for table in _BY_CLUSTER
        ]

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store the batch round by round in one transaction."""

        async def write(conn: AsyncConnection) -> list[bool]:
            stored = [False] * len(reports)
            for entries in rounds(reports):
                won = await self._writer.write(conn, [report for _, report in entries])
                for position, report in entries:
                    stored[position] = report.cluster in won
            return stored

        return await self._db.transaction(write)

    async def read(self, org: OrgId, cluster: ClusterId, user: UserId) -> StoredReport:
        """Read report, hits, toggles, votes and disable feedback in one statement."""
        values = {"org": org, "org_text": str(org), "cluster": cluster, "user": user}
        found = None
        if org <= MAX_STORED_ORG_ID:
            found = await stored_report(self._db.parts(READ_REPORT, values))
        if found is None:
            raise NotFound.item(org, cluster)
        return found

    async def info(self, org: OrgId, cluster: ClusterId) -> ReportInfo:
        """Read the times and count the hits."""
        rows = await self._rows(_INFO, org, {"cluster": cluster})
        if not rows:
            raise NotFound.item(org, cluster)
        return ReportInfo(rows[0].hits, rows[0].last_checked_at, rows[0].reported_at)

    async def rule(self, org: OrgId, hit: RuleHit, user: UserId) -> SingleRule:
        """Read one hit with toggle, vote and disable feedback."""
        rows = await self._rows(
            _RULE_OF_CLUSTER,
            org,
            {"cluster": hit.cluster, "rule": hit.rule_id, "key": hit.error_key, "user": user},
        )
        if not rows:
            raise NotFound.item(org, hit.cluster, hit.rule_id, hit.error_key)
        row = rows[0]
        return SingleRule(
            row.template_data,
            Vote(row.vote or 0),
            disabled=row.disabled == 1,
            toggled=row.disabled is not None,
            disabled_at=row.disabled_at,
            reason=row.reason or "",
        )

    @in_parts
    async def read_many(
        self, org: OrgId, clusters: Sequence[ClusterId]
    ) -> AsyncGenerator[Sequence[ReportText], None]:
        """Read the stored texts of several reports."""
        async for names in in_slices(clusters, TEXTS):
            parameters = {"names": list_parameter(self._db.dialect, names)}
            rows = await self._db.rows(self._many, parameters)
            if rows:
                yield [ReportText(row.cluster, row.org_id, row.report) for row in rows]

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete rows of the organizations' clusters, then other rows of the organizations."""
        dialect = self._db.dialect

        async def delete_some(conn: AsyncConnection, some: Sequence[OrgId]) -> None:
            numbers = [org for org in some if org <= MAX_STORED_ORG_ID]
            parameters = {
                "orgs": list_parameter(dialect, numbers),
                "org_texts": list_parameter(dialect, [str(org) for org in some]),
            }
            # lock the rows, so that their organization cannot change before the delete
            owned = (await conn.execute(self._owned, parameters)).scalars().all()
            async for part in in_slices(owned, NAMES):
                names = {"names": list_parameter(dialect, part)}
                for statement in self._deletes:
                    await conn.execute(statement, names)
            for statement in self._deletes_of_orgs:
                await conn.execute(statement, parameters)

        async def delete(conn: AsyncConnection) -> None:
            async for some in in_slices(orgs, NAMES):
                await delete_some(conn, some)

        await self._db.transaction(delete)

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete from every table with a cluster column; compare each row's own organization."""
        values: dict[str, Any] = {}
        statements = self._deletes
        if org is not None:
            statements = self._deletes_of_org
            values = {"org": org, "org_text": str(org)}

        async def delete(conn: AsyncConnection) -> None:
            async for some in in_slices(clusters, NAMES):
                names = {"names": list_parameter(self._db.dialect, some)}
                for statement in statements:
                    await conn.execute(statement, values | names)

        await self._db.transaction(delete)

    async def count(self) -> int:
        """Count the reports."""
        return int((await self._db.rows(_COUNT))[0][0])

    async def _rows(
        self, statement: sa.Select[Any], org: OrgId, parameters: dict[str, Any]
    ) -> Sequence[Any]:
        if org > MAX_STORED_ORG_ID:
            return []
        return await self._db.rows(statement, {"org": org, **parameters})
