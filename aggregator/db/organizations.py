"""Organizations, their clusters and the owner of a cluster, read from table report."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ..errors import NotFound
from ..model import MAX_STORED_ORG_ID, ClusterId, OrgId
from .engine import Database
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

    async def all(self) -> list[OrgId]:
        """Return the distinct organizations, ascending."""
        return [OrgId(row[0]) for row in await self._db.rows(_ALL)]

    async def clusters(self, org: OrgId, since: datetime) -> list[ClusterId]:
        """Return the clusters sorted by name here, since the database's collation varies."""
        if org > MAX_STORED_ORG_ID:
            return []
        rows = await self._db.rows(_CLUSTERS, {"org": org, "since": since})
        return sorted(ClusterId(row[0]) for row in rows)

    async def owner(self, cluster: ClusterId) -> OrgId:
        """Return the organization of the cluster's report."""
        rows = await self._db.rows(_OWNER, {"cluster": cluster})
        if not rows:
            raise NotFound.item(cluster)
        return OrgId(rows[0][0])
