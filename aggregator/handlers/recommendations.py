"""Handlers of recommendations: clusters by recommendation, recommendations by cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import orjson

from ..model import ClusterRecommendations, ImpactedCluster
from ..parts import Parts, in_slices
from . import body, rendering
from .base import ApiHandler
from .times import fractions


class ClustersDetailHandler(ApiHandler):
    """The clusters that a recommendation hits (contract rest-api 3.5)."""

    lists_names = True

    async def get(self) -> None:
        """Answer with the clusters, limited to those in the body, if any."""
        org, selector = self.org_id(), self.selector()
        self.user_id()
        only = await body.field_names(await self.json_body(required=False), "clusters")
        found = self.storage.recommendations.clusters_hit_by(org, selector, only)
        await self.ok_listed("clusters", found, _hit_cluster)


class RecommendationsHandler(ApiHandler):
    """Recommendation -> clusters, for a list of clusters (contract rest-api 3.6)."""

    lists_names = True

    async def post(self) -> None:
        """Answer with those recommendations that hit any of the clusters."""
        self.user_id()
        org = self.org_id()
        clusters = await body.names_in_slices(await self.json_body())
        by_rule: dict[str, list[str]] = {}
        async for part in self.storage.recommendations.by_rule(org, clusters):
            for rule, names in part:
                by_rule.setdefault(rule, []).extend(names)
        await self.send_parts(_by_rule(by_rule, null=not self.storage.persistent))


class ClusterRecommendationsHandler(ApiHandler):
    """Cluster -> recommendations, for a list of clusters (contract rest-api 3.6)."""

    lists_names = True

    async def post(self) -> None:
        """Answer with those of the clusters that have a report in the organization."""
        self.user_id()
        org = self.org_id()
        clusters = await body.names_in_slices(await self.json_body())
        found = self.storage.recommendations.by_cluster(org, clusters)
        before, after = rendering.around("clusters")
        empty = b"{}" if self.storage.persistent else b"null"
        await self.send_parts(rendering.mapped(before, found, _recommendations, after, empty=empty))


def _hit_cluster(hit: ImpactedCluster) -> dict[str, Any]:
    return {
        "cluster": hit.cluster,
        "cluster_name": "",
        "last_checked_at": fractions(hit.last_checked_at),
        "impacted": fractions(hit.impacted_since),
        "meta": {"cluster_version": hit.version},
    }


def _recommendations(one: ClusterRecommendations) -> tuple[str, dict[str, Any]]:
    return one.cluster, {
        "created_at": fractions(one.last_checked_at),
        "meta": {"cluster_version": one.version},
        "recommendations": one.recommendations,
    }


async def _by_rule(
    clusters: Mapping[str, Sequence[str]], *, null: bool
) -> AsyncGenerator[bytes, None]:
    """Yield the answer; the list of one recommendation may be long."""
    before, after = rendering.around("recommendations")
    if not clusters:
        yield before + (b"null" if null else b"{}") + after
        return
    before += b"{"
    for rule in sorted(clusters):
        head = before + rendering.escaped(orjson.dumps(rule)) + b":"
        items = Parts(in_slices(clusters[rule]))
        async for part in rendering.listed(head, items, str, b""):
            yield part
        before = b","
    yield b"}" + after
