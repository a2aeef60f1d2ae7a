"""Recommendations by cluster and clusters by recommendation, read from table recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import NotFound
from ..model import (
    MAX_STORED_ORG_ID,
    ClusterId,
    ClusterRecommendations,
    ImpactedCluster,
    OrgId,
    RuleSelector,
)
from .engine import Database
from .rows import (
    gathered,
    gathered_list,
    is_in,
    list_parameter,
    numbered,
    numbered_parameter,
)
from .tables import recommendation, report, report_info

_ORG = sa.bindparam("org", type_=sa.Integer)
# rule_id expressed by columns of the primary key, which allows an index-only scan: the index holds
# the entries of an organization together, while its rows are spread over the whole table
_SELECTOR = recommendation.c.rule_fqdn.concat("|").concat(recommendation.c.error_key)


class SqlRecommendations:
    """Recommendations in SQL tables (contract rest-api 3.5, 3.6)."""

    def __init__(self, database: Database) -> None:
        self._db = database
        dialect = database.dialect
        self._hit_by = _select_hit_by()
        self._hit_by_only = self._hit_by.where(is_in(dialect, recommendation.c.cluster_id, "names"))
        self._by_rule = _select_by_rule(dialect)
        self._by_cluster = _select_by_cluster(dialect)

    async def clusters_hit_by(
        self, org: OrgId, selector: RuleSelector, only: Sequence[str]
    ) -> list[ImpactedCluster]:
        """Read the clusters with their versions."""
        statement = self._hit_by_only if only else self._hit_by
        rows = await self._rows(statement, org, only, selector=selector)
        if not rows:
            raise NotFound.item(selector)
        return [
            ImpactedCluster(
                ClusterId(row.cluster_id), row.created_at, row.impacted_since, row.version
            )
            for row in rows
        ]

    async def by_rule(self, org: OrgId, clusters: Sequence[str]) -> dict[str, list[str]]:
        """Read the clusters, grouped by recommendation."""
        if org > MAX_STORED_ORG_ID:
            return {}
        # sorted here: the database's collation varies, and sorting there takes longer
        names = sorted(set(clusters))
        listed = numbered_parameter(self._db.dialect, names)
        rows = await self._db.rows(self._by_rule, {"org": org, "names": listed})
        name_at = names.__getitem__
        return {
            rule: list(map(name_at, sorted(gathered_list(places))))
            for rule, places in sorted(tuple(row) for row in rows if row[0] is not None)
        }

    async def by_cluster(self, org: OrgId, clusters: Sequence[str]) -> list[ClusterRecommendations]:
        """Read reports with their recommendations, one row per cluster."""
        rows = await self._rows(self._by_cluster, org, clusters)
        return [
            ClusterRecommendations(
                ClusterId(name), checked, version or "", tuple(sorted(gathered_list(rules or [])))
            )
            for name, checked, rules, version in sorted(rows, key=lambda row: row[0])
        ]

    async def _rows(
        self, statement: sa.Select[Any], org: OrgId, clusters: Sequence[str], **values: Any
    ) -> Sequence[Any]:
        if org > MAX_STORED_ORG_ID:
            return []
        parameters = {"org": org, **values}
        if clusters:
            parameters["names"] = list_parameter(self._db.dialect, clusters)
        return await self._db.rows(statement, parameters)


def _select_by_rule(dialect: str) -> sa.Select[Any]:
    """Select each recommendation with the positions of its clusters in the requested list.

    The query forces a nested loop over the list with one index lookup per cluster. Otherwise the
    planner may scan a whole organization, or the list for each of its hits.
    """
    wanted, cluster, place = numbered(dialect, "names")
    places = gathered(dialect, place)
    hit = sa.and_(recommendation.c.org_id == _ORG, recommendation.c.cluster_id == cluster)
    if dialect == "postgresql":
        # OFFSET 0 keeps the planner from sorting the hits instead of hashing them
        rules = sa.select(_SELECTOR.label("rule")).where(hit).offset(0).lateral("rules")
        found = wanted.join(rules, sa.true())
        return sa.select(rules.c.rule, places).select_from(found).group_by(rules.c.rule)
    # SQLite does not reorder an outer join; a cluster without hits gives a row without a rule
    found = wanted.outerjoin(recommendation, hit)
    return sa.select(_SELECTOR, places).select_from(found).group_by(_SELECTOR)


def _select_hit_by() -> sa.Select[Any]:
    joined = recommendation.outerjoin(
        report_info,
        sa.and_(
            report_info.c.org_id == recommendation.c.org_id,
            report_info.c.cluster_id == recommendation.c.cluster_id,
        ),
    )
    return (
        sa.select(
            recommendation.c.cluster_id,
            recommendation.c.created_at,
            recommendation.c.impacted_since,
            sa.func.coalesce(report_info.c.version_info, "").label("version"),
        )
        .select_from(joined)
        .where(
            recommendation.c.org_id == _ORG,
            recommendation.c.rule_id == sa.bindparam("selector", type_=sa.String),
        )
        .order_by(recommendation.c.cluster_id)
    )


def _select_by_cluster(dialect: str) -> sa.Select[Any]:
    # scalar subqueries instead of joins: one lookup of the version per cluster, not per rule
    rules = sa.select(gathered(dialect, _SELECTOR)).where(
        recommendation.c.org_id == report.c.org_id, recommendation.c.cluster_id == report.c.cluster
    )
    version = sa.select(report_info.c.version_info).where(
        report_info.c.org_id == report.c.org_id, report_info.c.cluster_id == report.c.cluster
    )
    return sa.select(
        report.c.cluster,
        report.c.last_checked_at,
        rules.scalar_subquery().label("rules"),
        version.scalar_subquery().label("version"),
    ).where(report.c.org_id == _ORG, is_in(dialect, report.c.cluster, "names"))
