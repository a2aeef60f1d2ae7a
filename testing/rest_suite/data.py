"""What a case may ask for: organizations, clusters and hits that the instance is known to have."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import skip

CLAIM_SECONDS = 60.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that hits a cluster; `rule_id` is the component, usually with `.report`."""

    org_id: int
    cluster: str
    rule_id: str
    error_key: str
    disabled: bool = False

    @property
    def selector(self) -> str:
        """Return `rule|KEY` without the suffix, as recommendations and ratings name it."""
        return f"{self.rule_id.removesuffix('.report')}|{self.error_key}"

    @property
    def rule_and_key(self) -> str:
        """Return `rule.report|KEY`, as the operation `rule` names it."""
        return f"{self.rule_id}|{self.error_key}"

    @property
    def params(self) -> dict[str, Any]:
        """Return the parameters of a path that name this hit."""
        return {
            "org_id": self.org_id,
            "cluster": self.cluster,
            "rule_id": self.rule_id,
            "error_key": self.error_key,
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that has a report; `listed` when its organization's list names it."""

    org_id: int
    name: str
    hits: tuple[Hit, ...] = ()
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """A namespace of a cluster with recommendations for its workloads."""

    org_id: int
    cluster: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization with a choice of its clusters and namespaces."""

    org_id: int
    clusters: tuple[Cluster, ...] = ()
    workloads: tuple[Workload, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that is known to be there, the same for all cases.

    `certain` when it is known from elsewhere than the instance itself; `produced` are the OCP
    messages that were sent to it, `produced_workloads` the DVO messages. `failed` are requests
    that found nothing because the instance did not answer them.
    """

    organizations: tuple[Organization, ...] = ()
    source: str = "nothing"
    certain: bool = False
    produced: tuple[dict[str, Any], ...] = ()
    produced_workloads: tuple[dict[str, Any], ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Return the clusters of all organizations."""
        return tuple(c for organization in self.organizations for c in organization.clusters)

    def __str__(self) -> str:
        hits = sum(len(cluster.hits) for cluster in self.clusters)
        workloads = sum(len(organization.workloads) for organization in self.organizations)
        return (
            f"{len(self.organizations)} organizations, {len(self.clusters)} clusters, "
            f"{hits} hits, {workloads} workload namespaces ({self.source})"
        )


class Claims:
    """Clusters in use by writing cases, so that no other process of the run writes to them.

    The processes of pytest-xdist share a `folder`; without one there is no other process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._taken: set[str] = set()

    def take(self, candidates: Sequence[Hit]) -> Hit | None:
        """Return a hit of a free cluster, waiting for one; None when none gets free."""
        deadline = time.monotonic() + CLAIM_SECONDS
        while True:
            for hit in candidates:
                if hit.cluster not in self._taken and self._claimed(hit.cluster):
                    self._taken.add(hit.cluster)
                    return hit
            if self._folder is None or time.monotonic() > deadline:
                return None
            time.sleep(LOOK_SECONDS)

    def release(self, clusters: Sequence[str]) -> None:
        """Give clusters back."""
        for cluster in clusters:
            if self._folder is not None:
                self._file(self._folder, cluster).unlink(missing_ok=True)
        self._taken.difference_update(clusters)

    def _claimed(self, cluster: str) -> bool:
        """Return True if no other process has claimed the cluster before."""
        if self._folder is None:
            return True
        try:
            self._file(self._folder, cluster).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @staticmethod
    def _file(folder: Path, cluster: str) -> Path:
        return folder / f"claim-{uuid.uuid5(uuid.NAMESPACE_OID, cluster)}"


class Data:
    """The inventory as one case sees it; what is not there skips the case, with the reason."""

    def __init__(self, inventory: Inventory, claims: Claims | None = None) -> None:
        self.inventory = inventory
        self._claims = claims or Claims()
        self._mine: list[str] = []

    def organizations(self, least: int = 1) -> tuple[Organization, ...]:
        """Return all known organizations; skip the case if there are fewer than `least`."""
        found = self.inventory.organizations
        if len(found) < least:
            skip(f"{least} organizations are needed, {len(found)} are known")
        return found

    def organization(self) -> Organization:
        """Return an organization, one with clusters if there is any."""
        found = self.organizations()
        return next((organization for organization in found if organization.clusters), found[0])

    def clusters(self, least: int = 1) -> list[Cluster]:
        """Return clusters of one organization; skip the case if there are fewer than `least`."""
        best = max((list(o.clusters) for o in self.inventory.organizations), key=len, default=[])
        if len(best) < least:
            skip(f"{least} clusters of an organization are needed, {len(best)} are known")
        return best

    def cluster(self) -> Cluster:
        """Return a cluster that has a report, one with hits if there is any."""
        found = self.clusters()
        return next((cluster for cluster in found if cluster.hits), found[0])

    def empty_cluster(self) -> Cluster:
        """Return a cluster whose report has no hits."""
        found = [cluster for cluster in self.inventory.clusters if not cluster.hits]
        if not found:
            skip("no cluster with a report without hits is known")
        return found[0]

    def hits(self, least: int = 1) -> list[Hit]:
        """Return all known hits; skip the case if there are fewer than `least`."""
        found = [hit for cluster in self.inventory.clusters for hit in cluster.hits]
        if len(found) < least:
            skip(f"{least} rule hits are needed, {len(found)} are known")
        return found

    def hit(self) -> Hit:
        """Return a rule hit."""
        return self.hits()[0]

    def workloads(self, least: int = 1) -> list[Workload]:
        """Return all known namespaces; skip the case if there are fewer than `least`."""
        found = [w for organization in self.inventory.organizations for w in organization.workloads]
        if len(found) < least:
            skip(f"{least} namespaces with workloads are needed, {len(found)} are known")
        return found

    def workload(self) -> Workload:
        """Return a namespace with workloads."""
        return self.workloads()[0]

    def produced(self) -> tuple[dict[str, Any], ...]:
        """Return the OCP messages that this run has sent."""
        if not self.inventory.produced:
            skip("nothing was sent to the instance: --data kafka://HOST:PORT/TOPIC")
        return self.inventory.produced

    def produced_workloads(self) -> tuple[dict[str, Any], ...]:
        """Return the DVO messages that this run has sent."""
        if not self.inventory.produced_workloads:
            skip("no workloads were sent to the instance: --data kafka://HOST:PORT/TOPIC?dvo=TOPIC")
        return self.inventory.produced_workloads

    def own_hit(self) -> Hit:
        """Return an enabled hit of a cluster that no other case writes to until this one ends."""
        candidates = [hit for hit in self.hits() if not hit.disabled]
        if not candidates:
            skip("all rule hits known are disabled")
        hit = self._claims.take(candidates)
        if hit is None:
            skip("all clusters are in use by other cases")
        self._mine.append(hit.cluster)
        return hit

    def release(self) -> None:
        """Give back what the case had for its own (the fixture does this)."""
        self._claims.release(self._mine)
        self._mine.clear()

    def user(self) -> str:
        """Return a user who has never voted or said anything."""
        return f"rest-suite-{uuid.uuid4().hex[:12]}"

    def rule(self) -> dict[str, Any]:
        """Return parameters of a rule that nobody has: writes about it disturb nobody."""
        return {"rule_id": f"rest_suite.made_up.r{uuid.uuid4().hex[:12]}.report",
                "error_key": "REST_SUITE"}  # fmt: skip

    def selector(self) -> str:
        """Return the selector of a recommendation that nobody has."""
        rule = self.rule()
        return f"{rule['rule_id'].removesuffix('.report')}|{rule['error_key']}"

    def unknown_cluster(self) -> str:
        """Return the name of a cluster that does not exist."""
        return str(uuid.uuid4())

    def unknown_organization(self) -> int:
        """Return an organization that has nothing."""
        known = {organization.org_id for organization in self.inventory.organizations}
        return next(number for number in range(2_000_000_011, 2_000_001_000) if number not in known)
