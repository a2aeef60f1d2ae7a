"""Handlers of organizations and their clusters, and of deletes (debug)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import TypeVar

from ..model import OrgId, utc_now
from ..parts import Parts, in_parts, in_slices
from . import params
from .base import ApiHandler

T = TypeVar("T")


class OrganizationsHandler(ApiHandler):
    """All organizations that the token may see (debug)."""

    async def get(self) -> None:
        """List them."""
        await self.ok_listed("organizations", self._visible(self.storage.orgs.all()), int)

    @in_parts
    async def _visible(self, orgs: Parts[OrgId]) -> AsyncGenerator[Sequence[OrgId], None]:
        scope = self.scope()
        async with aclosing(orgs):
            async for part in orgs:
                yield [org for org in part if scope in (None, org)]


class DeleteOrganizationsHandler(ApiHandler):
    """Deletes the data of organizations (debug)."""

    async def delete(self) -> None:
        """Delete reports and workloads of all of them."""
        orgs = await _distinct(self.raw_params["organizations"], params.orgs_list)
        if self.server.organization_check == "strict":
            async for some in in_slices(orgs):
                for org in some:
                    self.permit(org)
        await self.storage.reports.delete_of_orgs(orgs)
        await self.storage.dvo.delete_of_orgs(orgs)
        self.ok()


class DeleteClustersHandler(ApiHandler):
    """Deletes the data of clusters (debug)."""

    async def delete(self) -> None:
        """Delete reports and workloads of all of them, of the token's organization only."""
        clusters = await _distinct(self.raw_params["clusters"], params.clusters_list)
        scope = self.scope()
        await self.storage.reports.delete_of_clusters(clusters, scope)
        await self.storage.dvo.delete_of_clusters(clusters, scope)
        self.ok()


async def _distinct(text: str, parse: Callable[[Sequence[str]], list[T]]) -> list[T]:
    """Return the distinct items of a list in a path, which may have half a million."""
    found: dict[T, None] = {}
    async for some in in_slices(text.split(",")):
        found.update(dict.fromkeys(parse(some)))
    return list(found)


class ClustersHandler(ApiHandler):
    """The clusters of an organization that reported lately."""

    async def get(self) -> None:
        """List them."""
        org = self.organization()
        since = utc_now() - timedelta(hours=self.server.org_overview_limit_hours)
        await self.ok_listed("clusters", self.storage.orgs.clusters(org, since), str)
