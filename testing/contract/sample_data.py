"""Shared test data of the contract tests: organizations, clusters, hits and messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aggregator.model import (
    ClusterId,
    DvoReport,
    ErrorKey,
    Hit,
    Namespace,
    OrgId,
    Report,
    RuleHit,
    RuleId,
    UserId,
    Workloads,
)
from aggregator.storage import Storage

ORG, OTHER_ORG, NO_ORG = OrgId(101), OrgId(102), OrgId(4_294_967_295)
ANN, BOB = UserId("ann"), UserId("bob")
CLUSTER = ClusterId("25332b89-da0e-59d5-ad16-1eba16cd4adc")
OTHER_CLUSTER = ClusterId("b6d51e44-87ba-518b-bf22-fc4428fd31e1")
UNKNOWN_CLUSTER = ClusterId("ffffffff-ffff-4fff-8fff-ffffffffffff")
RULE = RuleId("ccx_rules_ocp.external.rules.nodes_requirements_check.report")
KEY, OTHER_KEY = ErrorKey("NODES_MINIMUM_REQUIREMENTS_NOT_MET"), ErrorKey("ANOTHER_KEY")
HIT = RuleHit(CLUSTER, RULE, KEY)
OTHER_HIT = RuleHit(CLUSTER, RULE, OTHER_KEY)
HIT_ELSEWHERE = RuleHit(OTHER_CLUSTER, RULE, KEY)
HIT_NOWHERE = RuleHit(UNKNOWN_CLUSTER, RULE, KEY)
BILLING, SHIPPING = Namespace("billing-uid"), Namespace("shipping-uid")
MORNING = datetime(2026, 3, 1, 6)
NOON = datetime(2026, 3, 1, 12)
EVENING = datetime(2026, 3, 1, 18)


async def two_clusters(storage: Storage) -> None:
    """Give the organization two clusters, both hit by the rule with both keys."""
    hits = tuple(Hit(RULE, key, "{}") for key in (OTHER_KEY, KEY))
    await storage.reports.store(
        [Report(ORG, cluster, "{}", hits, NOON) for cluster in (CLUSTER, OTHER_CLUSTER)]
    )


def workloads(
    checked: datetime,
    *namespaces: Namespace,
    org: OrgId = ORG,
    cluster: ClusterId = CLUSTER,
    text: str = '"{}"',
) -> DvoReport:
    """Return a DVO report of these namespaces."""
    found = tuple(
        Workloads(one, one.removesuffix("-uid"), 1, 2, {"lab_rules.dvo.anti_affinity|KEY": 2})
        for one in namespaces
    )
    return DvoReport(org, cluster, text, found, checked)


async def namespaces(storage: Storage, org: OrgId = ORG) -> Sequence[tuple[str, str]]:
    """Return cluster and namespace of what is stored for the organization."""
    return [(row.cluster, row.namespace) for row in await storage.dvo.of_org(org, None)]
