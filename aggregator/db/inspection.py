"""All rows of a cluster by table, for the dashboard of `dev`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from . import tables

# rows of a table, and characters of a value
MOST_ROWS = 50
LONGEST = 300
# a table and its column of clusters; all of what one message may write comes first
_TABLES = (
    (tables.report, "cluster"),
    (tables.report_info, "cluster_id"),
    (tables.rule_hit, "cluster_id"),
    (tables.recommendation, "cluster_id"),
    (tables.dvo_report, "cluster_id"),
    (tables.cluster_rule_toggle, "cluster_id"),
    (tables.cluster_rule_user_feedback, "cluster_id"),
    (tables.cluster_user_rule_disable_feedback, "cluster_id"),
)


async def rows_of_cluster(
    engine: AsyncEngine, org: int, cluster: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the cluster in each table that has some; long texts are cut."""
    found = {}
    async with engine.connect() as conn:
        for table, column in _TABLES:
            owner = table.c.org_id == (
                org if isinstance(table.c.org_id.type, sa.Integer) else str(org)
            )
            statement = sa.select(table).where(table.c[column] == cluster, owner).limit(MOST_ROWS)
            rows = (await conn.execute(statement)).mappings().all()
            if rows:
                # a plain str: SQLAlchemy's own subclass is no key for JSON
                found[str(table.name)] = [
                    {str(name): _shown(value) for name, value in row.items()} for row in rows
                ]
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"
