"""Organizations, their clusters and the owner of a cluster, read from table report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

import sqlalchemy as sa

from ..errors import NotFound
from ..model import MAX_STORED_ORG_ID, ClusterId, OrgId
from ..parts import in_parts
from .engine import Database
from .rows import ascending
from .tables import report

_ALL = sa.select(report.c.org_id).distinct().order_by(report.c.org_id)
_CLUSTERS = sa.select(report.c.cluster).where(
    report.c.org_id == sa.bindparam("org", type_=sa.Integer),
    report.c.reported_at >= sa.bindparam("since", type_=sa.DateTime),
)
_OWNER = sa.select(report.c.org_id).where(
    report.c.cluster == sa.bindparam("cluster", type_=sa.String)
)


class SqlOrgs:
    """Organizations, read from the reports."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._clusters = _CLUSTERS.order_by(*ascending(database.dialect, report.c.cluster))

    @in_parts
    async def all(self) -> AsyncGenerator[Sequence[OrgId], None]:
        """Read the distinct organizations, ascending."""
        async for rows in self._db.parts(_ALL, {}):
            yield [OrgId(row[0]) for row in rows]

    @in_parts
    async def clusters(
        self, org: OrgId, since: datetime
    ) -> AsyncGenerator[Sequence[ClusterId], None]:
        """Read the clusters, ascending."""
        if org > MAX_STORED_ORG_ID:
            return
        async for rows in self._db.parts(self._clusters, {"org": org, "since": since}):
            yield [ClusterId(row[0]) for row in rows]

    async def owner(self, cluster: ClusterId) -> OrgId:
        """Return the organization of the cluster's report."""
        rows = await self._db.rows(_OWNER, {"cluster": cluster})
        if not rows:
            raise NotFound.item(cluster)
        return OrgId(rows[0][0])
