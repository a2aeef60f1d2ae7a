"""Recommendations by cluster and clusters by recommendation, read from table recommendation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
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
from ..parts import Parts, in_parts, sorted_names
from .engine import Database
from .rows import (
    ascending,
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
        self._hit_by = _select_hit_by(dialect)
        self._hit_by_only = self._hit_by.where(is_in(dialect, recommendation.c.cluster_id, "names"))
        self._by_rule = _select_by_rule(dialect)
        self._by_cluster = _select_by_cluster(dialect)

    @in_parts
    async def clusters_hit_by(
        self, org: OrgId, selector: RuleSelector, only: Sequence[str]
    ) -> AsyncGenerator[Sequence[ImpactedCluster], None]:
        """Read the clusters with their versions."""
        found = False
        async for rows in self._hits(org, selector, only):
            found = True
            yield [
                ImpactedCluster(
                    ClusterId(row.cluster_id), row.created_at, row.impacted_since, row.version
                )
                for row in rows
            ]
        if not found:
            raise NotFound.item(selector)

    @in_parts
    async def by_rule(
        self, org: OrgId, clusters: Sequence[str]
    ) -> AsyncGenerator[Sequence[tuple[str, list[str]]], None]:
        """Read the clusters, grouped by recommendation; a part has some of the clusters."""
        if org > MAX_STORED_ORG_ID:
            return
        # sorted here: the database's collation varies, and sorting there takes longer
        async for names in sorted_names(clusters):
            listed = numbered_parameter(self._db.dialect, names)
            rows = await self._db.rows(self._by_rule, {"org": org, "names": listed})
            name_at = names.__getitem__
            yield [
                (rule, list(map(name_at, sorted(gathered_list(places)))))
                for rule, places in sorted(tuple(row) for row in rows if row[0] is not None)
            ]

    @in_parts
    async def by_cluster(
        self, org: OrgId, clusters: Sequence[str]
    ) -> AsyncGenerator[Sequence[ClusterRecommendations], None]:
        """Read reports with their recommendations, one row per cluster."""
        async for rows in self._of_names(self._by_cluster, {"org": org}, clusters):
            yield [
                ClusterRecommendations(
                    ClusterId(name),
                    checked,
                    version or "",
                    tuple(sorted(gathered_list(rules or []))),
                )
                for name, checked, rules, version in rows
            ]

    def _hits(self, org: OrgId, selector: RuleSelector, only: Sequence[str]) -> Parts[Any]:
        values = {"org": org, "selector": selector}
        if only:
            return self._of_names(self._hit_by_only, values, only)
        return self._db.parts(self._hit_by, values) if org <= MAX_STORED_ORG_ID else Parts.of()

    @in_parts
    async def _of_names(
        self, statement: sa.Select[Any], values: Mapping[str, Any], clusters: Sequence[str]
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Read one row for each of the clusters, or none."""
        if values["org"] > MAX_STORED_ORG_ID:
            return
        async for names in sorted_names(clusters):
            listed = list_parameter(self._db.dialect, names)
            rows = await self._db.rows(statement, {**values, "names": listed})
            if rows:
                yield rows


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


def _select_hit_by(dialect: str) -> sa.Select[Any]:
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
        .order_by(*ascending(dialect, recommendation.c.cluster_id))
    )


def _select_by_cluster(dialect: str) -> sa.Select[Any]:
    # scalar subqueries instead of joins: one lookup of the version per cluster, not per rule
    rules = sa.select(gathered(dialect, _SELECTOR)).where(
        recommendation.c.org_id == report.c.org_id, recommendation.c.cluster_id == report.c.cluster
    )
    version = sa.select(report_info.c.version_info).where(
        report_info.c.org_id == report.c.org_id, report_info.c.cluster_id == report.c.cluster
    )
    return (
        sa.select(
            report.c.cluster,
            report.c.last_checked_at,
            rules.scalar_subquery().label("rules"),
            version.scalar_subquery().label("version"),
        )
        .where(report.c.org_id == _ORG, is_in(dialect, report.c.cluster, "names"))
        .order_by(*ascending(dialect, report.c.cluster))
    )
