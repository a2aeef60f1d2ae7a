"""No-op storage: accepts every write and stores nothing (contract rest-api 6).

Reads of one item return an empty item where the Go service does, and raise NotFound elsewhere;
reads of lists return empty lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..errors import NotFound
from ..model import (
    Ack,
    ClusterId,
    ClusterRecommendations,
    ConsumerErrorRow,
    DisabledCluster,
    DisableFeedback,
    DvoReport,
    ErrorKey,
    ImpactedCluster,
    Namespace,
    NamespaceRow,
    OrgId,
    Rating,
    Report,
    ReportInfo,
    ReportText,
    RuleHit,
    RuleId,
    RuleSelector,
    RuleToggle,
    SingleRule,
    StoredReport,
    UserId,
    Vote,
)
from ..parts import Parts


class NoopReports:
    """Accepts every report and stores none."""

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Accept all of them."""
        return [True] * len(reports)

    async def read(self, org: OrgId, cluster: ClusterId, user: UserId) -> StoredReport:
        """Return an empty report."""
        return StoredReport(None, None, None, ())

    async def info(self, org: OrgId, cluster: ClusterId) -> ReportInfo:
        """Return the info of an empty report."""
        return ReportInfo(0, None, None)

    def read_many(self, org: OrgId, clusters: Sequence[ClusterId]) -> Parts[ReportText]:
        """Return nothing."""
        return Parts.of()

    async def rule(self, org: OrgId, hit: RuleHit, user: UserId) -> SingleRule:
        """Raise NotFound."""
        raise NotFound.item(org, hit.cluster, hit.rule_id, hit.error_key)

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Do nothing."""

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Do nothing."""

    async def count(self) -> int:
        """Return 0."""
        return 0


class NoopOrgs:
    """There are no organizations."""

    def all(self) -> Parts[OrgId]:
        """Return nothing."""
        return Parts.of()

    def clusters(self, org: OrgId, since: datetime) -> Parts[ClusterId]:
        """Return nothing."""
        return Parts.of()

    async def owner(self, cluster: ClusterId) -> OrgId:
        """Raise NotFound."""
        raise NotFound.item(cluster)


class NoopRecommendations:
    """There are no recommendations."""

    def clusters_hit_by(
        self, org: OrgId, selector: RuleSelector, only: Sequence[str]
    ) -> Parts[ImpactedCluster]:
        """Return none; the Go service does not answer 404 here."""
        return Parts.of()

    def by_rule(self, org: OrgId, clusters: Sequence[str]) -> Parts[tuple[str, list[str]]]:
        """Return nothing."""
        return Parts.of()

    def by_cluster(self, org: OrgId, clusters: Sequence[str]) -> Parts[ClusterRecommendations]:
        """Return nothing."""
        return Parts.of()


class NoopVotes:
    """There are no votes; writes raise NotFound, as there is no cluster."""

    async def put(
        self,
        org: OrgId,
        user: UserId,
        hit: RuleHit,
        vote: Vote,
        message: str,
        *,
        owner: OrgId | None = None,
    ) -> None:
        """Raise NotFound."""
        raise NotFound.item(hit.cluster)

    async def get(self, user: UserId, hit: RuleHit) -> Vote:
        """Raise NotFound."""
        raise NotFound.item(hit.cluster, hit.rule_id, user)

    async def newest(self, user: UserId, cluster: ClusterId, rule: RuleId) -> Vote:
        """Raise NotFound."""
        raise NotFound.item(cluster, rule, user)


class NoopToggles:
    """There are no toggles; writes raise NotFound, as there is no cluster."""

    async def put(
        self, org: OrgId, hit: RuleHit, *, disabled: bool, owner: OrgId | None = None
    ) -> None:
        """Raise NotFound."""
        raise NotFound.item(hit.cluster)

    def disabled_rules(
        self, org: OrgId, clusters: Sequence[str] | None = None
    ) -> Parts[RuleToggle]:
        """Return nothing."""
        return Parts.of()

    def disabled_clusters(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Parts[DisabledCluster]:
        """Return nothing."""
        return Parts.of()

    async def keys(self, org: OrgId | None, cluster: ClusterId, rule: RuleId) -> list[ErrorKey]:
        """Return the empty key."""
        return [ErrorKey("")]


class NoopFeedback:
    """There is no disable feedback; writes raise NotFound, as there is no cluster."""

    async def put(
        self, org: OrgId, user: UserId, hit: RuleHit, message: str, *, owner: OrgId | None = None
    ) -> None:
        """Raise NotFound."""
        raise NotFound.item(hit.cluster)

    def of_user(self, user: UserId, org: OrgId | None = None) -> Parts[DisableFeedback]:
        """Return nothing."""
        return Parts.of()


class NoopAcks:
    """Accepts every ack and stores none."""

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Do nothing."""

    async def update(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Do nothing."""

    async def delete(self, org: OrgId, rule: RuleId, key: ErrorKey) -> None:
        """Do nothing."""

    async def get(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Ack:
        """Return an empty ack; the Go service does not answer 404 here."""
        return Ack(OrgId(0), RuleId(""), ErrorKey(""), "", None, None)

    def all(self, org: OrgId) -> Parts[Ack]:
        """Return nothing."""
        return Parts.of()


class NoopRatings:
    """Accepts every rating and stores none."""

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, rating: int) -> None:
        """Do nothing."""

    async def get(self, org: OrgId, selector: RuleSelector) -> Rating:
        """Return an empty rating; the Go service does not answer 404 here."""
        return Rating("", 0)


class NoopConsumerErrors:
    """Invalid messages leave no row."""

    async def put(self, rows: Sequence[ConsumerErrorRow]) -> None:
        """Do nothing."""


class NoopDvo:
    """Accepts every DVO report and stores none."""

    async def store(self, reports: Sequence[DvoReport]) -> list[bool]:
        """Accept all of them."""
        return [True] * len(reports)

    def of_org(self, org: OrgId, clusters: Sequence[str] | None) -> Parts[NamespaceRow]:
        """Return nothing."""
        return Parts.of()

    async def of_namespace(
        self, org: OrgId, cluster: ClusterId, namespace: Namespace
    ) -> NamespaceRow:
        """Raise NotFound."""
        raise NotFound.item(org, cluster, namespace, separator=":")

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Do nothing."""

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Do nothing."""

    async def count(self) -> int:
        """Return 0."""
        return 0
