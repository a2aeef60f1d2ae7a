"""Handlers of toggles: rules disabled for single clusters."""

from __future__ import annotations

from typing import Any

from ..model import DisabledCluster, RuleHit, RuleToggle
from . import body
from .base import ApiHandler
from .times import fractions, pair


class ToggleHandler(ApiHandler):
    """Disables or enables a rule (contract rest-api 4.2); `every_key` is the form of 2020."""

    def initialize(self, *, disabled: bool, every_key: bool = False, **kwargs: Any) -> None:
        """Set the toggle, and whether the path has an error key."""
        super().initialize(**kwargs)
        self._disabled = disabled
        self._every_key = every_key

    async def put(self) -> None:
        """Record it; a body is ignored."""
        if self._every_key:
            await self._put_every_key()
        else:
            await self._put_one()
        self.ok()

    async def _put_one(self) -> None:
        hit = self.rule_hit()
        self.permit_owner(await self.owned(hit.cluster))
        await self.storage.toggles.put(
            self.org_id(), hit, disabled=self._disabled, owner=self.writer()
        )

    async def _put_every_key(self) -> None:
        cluster, rule = self.cluster(), self.rule_id()
        owner = await self.owned(cluster)
        self.permit_owner(owner)
        self.user_id()
        toggles = self.storage.toggles
        for key in await toggles.keys(owner, cluster, rule):
            hit = RuleHit(cluster, rule, key)
            await toggles.put(owner, hit, disabled=self._disabled, owner=owner)


class DisabledRulesHandler(ApiHandler):
    """The rules that an organization has disabled (contract rest-api 4.3)."""

    async def get(self) -> None:
        """List it."""
        found = self.storage.toggles.disabled_rules(self.org_id())
        await self.ok_listed("rules", found, _document)


class DisabledRulesForClustersHandler(ApiHandler):
    """The rules that an organization has disabled for some clusters."""

    lists_names = True

    async def post(self) -> None:
        """List it for the clusters in the body."""
        org = self.org_id()
        clusters = await body.names_in_slices(await self.json_body())
        found = self.storage.toggles.disabled_rules(org, clusters)
        await self.ok_listed("rules", found, _document)


class DisabledClustersHandler(ApiHandler):
    """The clusters for which a rule is disabled."""

    async def get(self) -> None:
        """List them, newest first; null for none, as in the Go service."""
        org, rule, key = self.org_id(), self.rule_id(), self.error_key()
        found = self.storage.toggles.disabled_clusters(org, rule, key)
        await self.ok_listed("clusters", found, _disabled_cluster, empty=b"null")


def _disabled_cluster(one: DisabledCluster) -> dict[str, Any]:
    return {
        "cluster_id": one.cluster,
        "cluster_name": "",
        "disabled_at": fractions(one.disabled_at),
        "justification": one.justification,
    }


def _document(toggle: RuleToggle) -> dict[str, Any]:
    return {
        "ClusterID": toggle.hit.cluster,
        "RuleID": toggle.hit.rule_id,
        "ErrorKey": toggle.hit.error_key,
        "Disabled": int(toggle.disabled),
        "DisabledAt": pair(toggle.disabled_at),
        "EnabledAt": pair(toggle.enabled_at),
        "UpdatedAt": pair(toggle.updated_at),
    }
