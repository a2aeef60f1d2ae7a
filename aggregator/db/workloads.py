"""DVO workload recommendations per namespace, stored in table dvo.dvo_report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
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
from ..parts import NAMES, in_parts, in_slices, sorted_names
from .engine import Database
from .rows import ascending, is_in, list_parameter
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
        self._of_org = _OF_ORG.order_by(
            *ascending(dialect, table.c.cluster_id, table.c.namespace_id)
        )
        self._of_clusters = self._of_org.where(is_in(dialect, table.c.cluster_id, "names"))
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

    @in_parts
    async def of_org(
        self, org: OrgId, clusters: Sequence[str] | None
    ) -> AsyncGenerator[Sequence[NamespaceRow], None]:
        """Read the organization's rows, by cluster and namespace."""
        if org > MAX_STORED_ORG_ID:
            return
        values: dict[str, Any] = {"org": org}
        if clusters is None:
            async for rows in self._db.parts(self._of_org, values):
                yield [_namespace_row(*row) for row in rows]
            return
        async for names in sorted_names(clusters):
            values["names"] = list_parameter(self._db.dialect, names)
            async for rows in self._db.parts(self._of_clusters, values):
                yield [_namespace_row(*row) for row in rows]

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
        *fields, text = rows[0]
        return _namespace_row(*fields, text or "")

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete by organization."""
        async for some in in_slices(orgs, NAMES):
            numbers = [org for org in some if org <= MAX_STORED_ORG_ID]
            names = {"names": list_parameter(self._db.dialect, numbers)}
            await self._db.run(self._delete_orgs, names)

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete by cluster."""
        if org is not None and org > MAX_STORED_ORG_ID:
            return
        async for some in in_slices(clusters, NAMES):
            names = {"names": list_parameter(self._db.dialect, some)}
            if org is None:
                await self._db.run(self._delete_clusters, names)
            else:
                await self._db.run(self._delete_clusters_of_org, {**names, "org": org})

    async def count(self) -> int:
        """Count the rows."""
        return int((await self._db.rows(_COUNT))[0][0])


def _namespace_row(cluster: str, namespace: str, name: str | None, *rest: Any) -> NamespaceRow:
    """Make a row of _FIELDS, which may be followed by the report's text."""
    return NamespaceRow(ClusterId(cluster), Namespace(namespace), name or "", *rest)
