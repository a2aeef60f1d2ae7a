"""Storage protocols: one per aggregate, and Storage, which combines them.

Handlers and ingest know these protocols only. Every method is one transaction, except that a list
limited to many names is read in several. All of them may raise Unavailable when the database is
unavailable; lists (`Parts`) do so while they are read. Times are naive UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .model import (
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
from .parts import Parts


class Reports(Protocol):
    """OCP reports with their hits and recommendations (contract storage 4.1, 4.3)."""

    async def store(self, reports: Sequence[Report]) -> list[bool]:
        """Store the reports as if one by one in this order, in one transaction.

        Return for each whether it was stored; False if the stored report of the cluster is as
        new or newer, which is then kept (departure 4). Raise RecordRejected when the
        database refuses the content; nothing is stored then.
        """

    async def read(self, org: OrgId, cluster: ClusterId, user: UserId) -> StoredReport:
        """Return the report as this user sees it; raise NotFound (id `org/cluster`)."""

    async def info(self, org: OrgId, cluster: ClusterId) -> ReportInfo:
        """Return count and times of the report; raise NotFound (id `org/cluster`)."""

    def read_many(self, org: OrgId, clusters: Sequence[ClusterId]) -> Parts[ReportText]:
        """Return those clusters that have a report, of any owner."""

    async def rule(self, org: OrgId, hit: RuleHit, user: UserId) -> SingleRule:
        """Return one hit as this user sees it; raise NotFound (id `org/cluster/rule/key`)."""

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete all rows of the organizations' clusters (departure 22)."""

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete all rows of the clusters (departure 22), in this organization if given."""

    async def count(self) -> int:
        """Return the number of stored reports."""


class Orgs(Protocol):
    """Organizations and the clusters they own."""

    def all(self) -> Parts[OrgId]:
        """Return the organizations that have a report, ascending."""

    def clusters(self, org: OrgId, since: datetime) -> Parts[ClusterId]:
        """Return the organization's clusters reported at `since` or later, ascending."""

    async def owner(self, cluster: ClusterId) -> OrgId:
        """Return the owner of the cluster; raise NotFound (id `cluster`) if it has no report."""


class Recommendations(Protocol):
    """Which recommendation hits which cluster; written by Reports.store."""

    def clusters_hit_by(
        self, org: OrgId, selector: RuleSelector, only: Sequence[str]
    ) -> Parts[ImpactedCluster]:
        """Return the clusters hit, ascending, limited to `only` when it is not empty.

        Raise NotFound (id is the selector) when there is none.
        """

    def by_rule(self, org: OrgId, clusters: Sequence[str]) -> Parts[tuple[str, list[str]]]:
        """Return (recommendation, clusters), both ascending, for these clusters of the org.

        A later part has later clusters, and may have the same recommendations.
        """

    def by_cluster(self, org: OrgId, clusters: Sequence[str]) -> Parts[ClusterRecommendations]:
        """Return those of the clusters that have a report in the org, ascending."""


class Votes(Protocol):
    """Likes and dislikes of rule hits by users (contract rest-api 4.1)."""

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
        """Record the vote, replacing the user's earlier vote and message.

        Raise NotFound (id `cluster`) when the cluster has no report of organization `owner`, or
        of any if that is None. Check and write are one transaction.
        """

    async def get(self, user: UserId, hit: RuleHit) -> Vote:
        """Return the user's vote; raise NotFound (id `cluster/rule/user`)."""

    async def newest(self, user: UserId, cluster: ClusterId, rule: RuleId) -> Vote:
        """Return the user's newest vote on any key of the rule; raise NotFound likewise."""


class Toggles(Protocol):
    """Rules switched off for single clusters (contract rest-api 4.2, 4.3)."""

    async def put(
        self, org: OrgId, hit: RuleHit, *, disabled: bool, owner: OrgId | None = None
    ) -> None:
        """Switch the rule off or on for the cluster; NotFound as with votes."""

    def disabled_rules(
        self, org: OrgId, clusters: Sequence[str] | None = None
    ) -> Parts[RuleToggle]:
        """Return what is switched off, by cluster, rule and key; limited to `clusters` if given."""

    def disabled_clusters(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Parts[DisabledCluster]:
        """Return the clusters on which the rule is switched off, newest first."""

    async def keys(self, org: OrgId | None, cluster: ClusterId, rule: RuleId) -> list[ErrorKey]:
        """Return the error keys of the rule that hit the cluster, or the empty one when none does.

        For the routes of 2020, which name no error key (departure 25).
        """


class Feedback(Protocol):
    """Reasons that users give for switching a rule off (contract rest-api 4.2, 4.3)."""

    async def put(
        self, org: OrgId, user: UserId, hit: RuleHit, message: str, *, owner: OrgId | None = None
    ) -> None:
        """Record the reason, replacing the user's earlier one; NotFound as with votes."""

    def of_user(self, user: UserId, org: OrgId | None = None) -> Parts[DisableFeedback]:
        """Return the user's reasons, of this organization if given, by cluster, rule and key."""


class Acks(Protocol):
    """Rules acknowledged by an organization (contract rest-api 4.4)."""

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Acknowledge the rule; an existing ack gets the new justification and creation time."""

    async def update(self, org: OrgId, rule: RuleId, key: ErrorKey, justification: str) -> None:
        """Change the justification; nothing happens when there is no ack."""

    async def delete(self, org: OrgId, rule: RuleId, key: ErrorKey) -> None:
        """Delete the ack; nothing happens when there is none."""

    async def get(self, org: OrgId, rule: RuleId, key: ErrorKey) -> Ack:
        """Return the ack; raise NotFound (`Rule was not disabled`)."""

    def all(self, org: OrgId) -> Parts[Ack]:
        """Return the organization's acks, by rule and key."""


class Ratings(Protocol):
    """Ratings of recommendations by organizations (contract rest-api 4.5)."""

    async def put(self, org: OrgId, rule: RuleId, key: ErrorKey, rating: int) -> None:
        """Record the rating, replacing the earlier one."""

    async def get(self, org: OrgId, selector: RuleSelector) -> Rating:
        """Return the rating; raise NotFound (id `org/selector/rating`)."""


class ConsumerErrors(Protocol):
    """Invalid messages (table consumer_error)."""

    async def put(self, rows: Sequence[ConsumerErrorRow]) -> None:
        """Insert the rows; one that exists (by topic, partition, offset) stays as it is."""


class Dvo(Protocol):
    """Workload recommendations by namespace (contract storage 4.2, 4.3; rest-api 5)."""

    async def store(self, reports: Sequence[DvoReport]) -> list[bool]:
        """Store the reports, as Reports.store does."""

    def of_org(self, org: OrgId, clusters: Sequence[str] | None) -> Parts[NamespaceRow]:
        """Return the organization's rows by cluster and namespace, without the report text."""

    async def of_namespace(
        self, org: OrgId, cluster: ClusterId, namespace: Namespace
    ) -> NamespaceRow:
        """Return one row; raise NotFound (id `org:cluster:namespace`)."""

    async def delete_of_orgs(self, orgs: Sequence[OrgId]) -> None:
        """Delete the organizations' rows."""

    async def delete_of_clusters(
        self, clusters: Sequence[ClusterId], org: OrgId | None = None
    ) -> None:
        """Delete the clusters' rows, those of the organization if given."""

    async def count(self) -> int:
        """Return the number of stored rows."""


class Health(Protocol):
    """Availability and schema of the database."""

    async def check(self) -> None:
        """Return when the database answers and has the right schema; else raise Unavailable."""

    async def schema_versions(self) -> tuple[str, str]:
        """Return the OCP and DVO schema versions as text, or `not supported`."""

    async def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True, slots=True)
class Storage:
    """All aggregates of one service."""

    reports: Reports
    orgs: Orgs
    recommendations: Recommendations
    votes: Votes
    toggles: Toggles
    feedback: Feedback
    acks: Acks
    ratings: Ratings
    consumer_errors: ConsumerErrors
    dvo: Dvo
    health: Health
    # False for storage type noop, with which empty lists are null (contract rest-api 6)
    persistent: bool = True
