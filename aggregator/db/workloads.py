"""DVO workload recommendations per namespace, stored in table dvo.dvo_report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import NotFound
from ..model import (
    MAX_STORED_ORG_ID,
    ClusterId,
    DvoReport,
    Namespace,
    NamespaceRow,
    OrgId,
)
from .engine import Database
from .rows import is_in, list_parameter
from .tables import dvo_report as table
from .workload_writer import WorkloadWriter

_FIELDS = (
    table.c.cluster_id,
    table.c.namespace_id,
    table.c.namespace_name,
    table.c.recommendations,
    table.c.objects,
    table.c.reported_at,
    table.c.last_checked_at,
    table.c.rule_hits_count,
)
_OF_ORG: sa.Select[Any] = sa.select(*_FIELDS).where(
    table.c.org_id == sa.bindparam("org", type_=sa.Integer)
)
_OF_NAMESPACE: sa.Select[Any] = sa.select(*_FIELDS, table.c.report).where(
    table.c.org_id == sa.bindparam("org", type_=sa.Integer),
    table.c.cluster_id == sa.bindparam("cluster", type_=sa.String),
    table.c.namespace_id == sa.bindparam("namespace", type_=sa.String),
)
_COUNT = sa.select(sa.func.count()).select_from(table)


class SqlDvo:
    """DVO results in an SQL table (contract storage 4.2, 4.3)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        dialect = database.dialect
        self._writer = WorkloadWriter(dialect)
        self._of_clusters = _OF_ORG.where(is_in(dialect, table.c.cluster_id, "names"))
        self._delete_orgs = sa.delete(table).where(is_in(dialect, table.c.org_id, "names"))
        self._delete_clusters = sa.delete(table).where(is_in(dialect, table.c.cluster_id, "names"))
        self._delete_clusters_of_org = self._delete_clusters.where(
            table.c.org_id == sa.bindparam("org", type_=sa.Integer)
        )

    async def store(self, reports: Sequence[DvoReport]) -> list[bool]:
        """Store the batch in one transaction."""
        if not reports:
            return []
        stored = await self._db.transaction(lambda conn: self._writer.write(conn, reports))
        self._writer.remember(reports, stored)
        return stored

    async def of_org(self, org: OrgId, clusters: Sequence[str] | None) -> list[NamespaceRow]:
        """Read the organization's rows; the order does not depend on a locale."""
        if org > MAX_STORED_ORG_ID or (clusters is not None and not clusters):
            return []
        values: dict[str, Any] = {"org": org}
        if clusters is not None:
            values["names"] = list_parameter(self._db.dialect, clusters)
        statement = _OF_ORG if clusters is None else self._of_clusters
        rows = await self._db.rows(statement, values)
        return [_namespace_row(row) for row in sorted(rows, key=lambda row: tuple(row[:2]))]

    async def of_namespace(
        self, org: OrgId, cluster: ClusterId, namespace: Namespace
    ) -> NamespaceRow:
        """Read one row with its report."""
        rows: Sequence[Any] = ()
        if org <= MAX_STORED_ORG_ID:
            values = {"org": org, "cluster": cluster, "namespace": namespace}
            rows = await self._db.rows(_OF_NAMESPACE, values)
        if not rows:
            raise NotFound.item(org, cluster, namespace, separator=":")
        return _namespace_row(rows[0], rows[0].report or "")

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete by organization."""
        numbers = [org for org in orgs if org <= MAX_STORED_ORG_ID]
        names = {"names": list_parameter(self._db.dialect, numbers)}
        await self._db.run(self._delete_orgs, names)

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete by cluster."""
        names = {"names": list_parameter(self._db.dialect, clusters)}
        if org is None:
            await self._db.run(self._delete_clusters, names)
        elif org <= MAX_STORED_ORG_ID:
            await self._db.run(self._delete_clusters_of_org, {**names, "org": org})

    async def count(self) -> int:
        """Count the rows."""
        return int((await self._db.rows(_COUNT))[0][0])


def _namespace_row(row: sa.Row[Any], text: str = "") -> NamespaceRow:
    return NamespaceRow(
        ClusterId(row.cluster_id),
        Namespace(row.namespace_id),
        row.namespace_name or "",
        row.recommendations,
        row.objects,
        row.reported_at,
        row.last_checked_at,
        row.rule_hits_count,
        text,
    )
