"""Handlers of recommendations: clusters by recommendation, recommendations by cluster."""

from __future__ import annotations

from . import body
from .base import ApiHandler
from .times import fractions


class ClustersDetailHandler(ApiHandler):
    """The clusters that a recommendation hits (contract rest-api 3.5)."""

    async def get(self) -> None:
        """Answer with the clusters, limited to those in the body, if any."""
        org, selector = self.org_id(), self.selector()
        self.user_id()
        only = body.field_names(self.json_body(required=False), "clusters")
        found = await self.storage.recommendations.clusters_hit_by(org, selector, only)
        self.ok(
            clusters=[
                {
                    "cluster": hit.cluster,
                    "cluster_name": "",
                    "last_checked_at": fractions(hit.last_checked_at),
                    "impacted": fractions(hit.impacted_since),
                    "meta": {"cluster_version": hit.version},
                }
                for hit in found
            ]
        )


class RecommendationsHandler(ApiHandler):
    """Recommendation -> clusters, for a list of clusters (contract rest-api 3.6)."""

    async def post(self) -> None:
        """Answer with those recommendations that hit any of the clusters."""
        self.user_id()
        org = self.org_id()
        clusters = body.names(self.json_body())
        found = await self.storage.recommendations.by_rule(org, clusters) if clusters else {}
        self.ok(recommendations=found)


class ClusterRecommendationsHandler(ApiHandler):
    """Cluster -> recommendations, for a list of clusters (contract rest-api 3.6)."""

    async def post(self) -> None:
        """Answer with those of the clusters that have a report in the organization."""
        self.user_id()
        org = self.org_id()
        clusters = body.names(self.json_body())
        found = await self.storage.recommendations.by_cluster(org, clusters) if clusters else []
        self.ok(
            clusters={
                one.cluster: {
                    "created_at": fractions(one.last_checked_at),
                    "meta": {"cluster_version": one.version},
                    "recommendations": one.recommendations,
                }
                for one in found
            }
        )
