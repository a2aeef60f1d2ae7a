"""In-memory rows of users on rule hits, moved and deleted with their cluster."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from typing import TypeVar

from aggregator.errors import NotFound
from aggregator.model import ClusterId, OrgId, RuleHit
from aggregator.storage import Orgs


@dataclass(frozen=True, slots=True)
class Row:
    """What every row has: the organization that said it, and the hit that it is about."""

    org: OrgId
    hit: RuleHit


K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Row)


class Rows(dict[K, R]):
    """What is kept of clusters, by key."""

    def move(self, cluster: ClusterId, org: OrgId) -> None:
        """Give the cluster's rows to another organization."""
        for key, row in self.items():
            if row.hit.cluster == cluster:
                self[key] = replace(row, org=org)

    def forget(self, clusters: Collection[ClusterId], orgs: Collection[OrgId] = ()) -> None:
        """Delete the rows of these clusters and organizations."""
        gone = [key for key, row in self.items() if row.hit.cluster in clusters or row.org in orgs]
        for key in gone:
            del self[key]

    def forget_of(self, clusters: Collection[ClusterId], org: OrgId) -> None:
        """Delete the organization's rows of these clusters."""
        for key, row in list(self.items()):
            if row.hit.cluster in clusters and row.org == org:
                del self[key]


async def require_report(orgs: Orgs, cluster: ClusterId, owner: OrgId | None) -> None:
    """Raise NotFound unless the cluster has a report, of organization `owner` if that is given."""
    found = await orgs.owner(cluster)
    if owner not in (None, found):
        raise NotFound.item(cluster)
