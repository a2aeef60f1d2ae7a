"""Contract tests of workload storages."""

from __future__ import annotations

import pytest

from aggregator.errors import NotFound
from aggregator.model import ClusterId, Namespace
from aggregator.storage import Storage

from .sample_data import (
    BILLING,
    CLUSTER,
    EVENING,
    MORNING,
    NO_ORG,
    NOON,
    ORG,
    OTHER_CLUSTER,
    OTHER_ORG,
    SHIPPING,
    UNKNOWN_CLUSTER,
    namespaces,
    workloads,
)


async def test_a_namespace_is_read_back_with_the_report(storage: Storage) -> None:
    text = '"{\\"workload_recommendations\\":[\\"\\u0000 ✗\\"]}"'
    assert await storage.dvo.store([workloads(NOON, BILLING, text=text)]) == [True]
    row = await storage.dvo.of_namespace(ORG, CLUSTER, BILLING)
    assert (row.cluster, row.namespace, row.name) == (CLUSTER, BILLING, "billing")
    assert (row.recommendations, row.objects) == (1, 2)
    assert row.hits == {"lab_rules.dvo.anti_affinity|KEY": 2}
    assert (row.reported_at, row.last_checked_at) == (NOON, NOON)
    assert row.text == text


async def test_the_list_is_by_cluster_and_namespace_without_text(storage: Storage) -> None:
    reports = [workloads(NOON, BILLING, cluster=OTHER_CLUSTER), workloads(NOON, SHIPPING, BILLING)]
    assert await storage.dvo.store(reports) == [True, True]
    rows = await storage.dvo.of_org(ORG, None)
    assert [(row.cluster, row.namespace, row.text) for row in rows] == [
        (CLUSTER, BILLING, ""),
        (CLUSTER, SHIPPING, ""),
        (OTHER_CLUSTER, BILLING, ""),
    ]


async def test_the_list_can_be_limited_to_clusters(storage: Storage) -> None:
    await storage.dvo.store([workloads(NOON, BILLING)])
    await storage.dvo.store([workloads(NOON, BILLING, cluster=OTHER_CLUSTER)])
    found = await storage.dvo.of_org(ORG, [OTHER_CLUSTER, OTHER_CLUSTER, "it's"])
    assert [row.cluster for row in found] == [OTHER_CLUSTER]
    assert await storage.dvo.of_org(ORG, []) == []


async def test_an_unknown_namespace_is_not_found(storage: Storage) -> None:
    await storage.dvo.store([workloads(NOON, BILLING)])
    for org, cluster, namespace in (
        (OTHER_ORG, CLUSTER, BILLING),
        (ORG, UNKNOWN_CLUSTER, BILLING),
        (ORG, CLUSTER, SHIPPING),
        (NO_ORG, CLUSTER, BILLING),
    ):
        with pytest.raises(NotFound, match=f"ID {org}:{cluster}:{namespace} was not found"):
            await storage.dvo.of_namespace(org, cluster, namespace)


async def test_an_organization_beyond_31_bits_has_no_workloads(storage: Storage) -> None:
    await storage.dvo.store([workloads(NOON, BILLING)])
    assert await storage.dvo.of_org(NO_ORG, None) == []
    await storage.dvo.delete_of_orgs([NO_ORG])
    assert await storage.dvo.count() == 1


async def test_a_newer_report_replaces_the_namespaces_and_keeps_since_when(
    storage: Storage,
) -> None:
    await storage.dvo.store([workloads(MORNING, BILLING)])
    assert await storage.dvo.store([workloads(NOON, BILLING, SHIPPING)]) == [True]
    billing, shipping = await storage.dvo.of_org(ORG, None)
    assert (billing.reported_at, billing.last_checked_at) == (MORNING, NOON)
    assert (shipping.reported_at, shipping.last_checked_at) == (NOON, NOON)
    assert await storage.dvo.store([workloads(EVENING, SHIPPING)]) == [True]
    assert await namespaces(storage) == [(CLUSTER, SHIPPING)]


async def test_an_older_or_equal_report_changes_nothing(storage: Storage) -> None:
    await storage.dvo.store([workloads(NOON, BILLING)])
    for checked in (MORNING, NOON):
        late = workloads(checked, SHIPPING, org=OTHER_ORG)
        assert await storage.dvo.store([late]) == [False]
        assert await namespaces(storage) == [(CLUSTER, BILLING)]
        assert await namespaces(storage, OTHER_ORG) == []


async def test_a_batch_counts_one_by_one(storage: Storage) -> None:
    batch = [
        workloads(MORNING, BILLING),
        workloads(EVENING, BILLING, text="newest"),
        workloads(NOON, SHIPPING),
        workloads(NOON, SHIPPING, cluster=OTHER_CLUSTER),
        workloads(EVENING, SHIPPING),
    ]
    assert await storage.dvo.store(batch) == [True, True, False, True, False]
    assert await namespaces(storage) == [(CLUSTER, BILLING), (OTHER_CLUSTER, SHIPPING)]
    row = await storage.dvo.of_namespace(ORG, CLUSTER, BILLING)
    assert (row.reported_at, row.last_checked_at, row.text) == (MORNING, EVENING, "newest")


async def test_a_namespace_that_was_gone_between_is_new(storage: Storage) -> None:
    batch = [workloads(MORNING, BILLING), workloads(NOON, SHIPPING), workloads(EVENING, BILLING)]
    assert await storage.dvo.store(batch) == [True, True, True]
    row = await storage.dvo.of_namespace(ORG, CLUSTER, BILLING)
    assert row.reported_at == EVENING


async def test_a_cluster_moves_to_its_new_organization(storage: Storage) -> None:
    await storage.dvo.store([workloads(MORNING, BILLING)])
    assert await storage.dvo.store([workloads(NOON, BILLING, org=OTHER_ORG)]) == [True]
    assert await namespaces(storage) == []
    (row,) = await storage.dvo.of_org(OTHER_ORG, None)
    assert (row.reported_at, row.last_checked_at) == (MORNING, NOON)


async def test_a_report_without_namespaces_takes_the_rows_away(storage: Storage) -> None:
    await storage.dvo.store([workloads(MORNING, BILLING, SHIPPING)])
    assert await storage.dvo.store([workloads(NOON)]) == [True]
    assert await storage.dvo.count() == 0


async def test_an_empty_batch_stores_nothing(storage: Storage) -> None:
    assert await storage.dvo.store([]) == []
    assert await storage.dvo.count() == 0


async def test_deletes_take_what_they_name(storage: Storage) -> None:
    third = ClusterId("12e8b964-6043-5e00-95b2-ec50b3588b73")
    await storage.dvo.store(
        [
            workloads(NOON, BILLING, SHIPPING),
            workloads(NOON, BILLING, cluster=OTHER_CLUSTER),
            workloads(NOON, BILLING, cluster=third, org=OTHER_ORG),
        ]
    )
    await storage.dvo.delete_of_clusters([OTHER_CLUSTER, UNKNOWN_CLUSTER])
    assert await storage.dvo.count() == 3
    await storage.dvo.delete_of_orgs([ORG])
    assert await namespaces(storage, OTHER_ORG) == [(third, BILLING)]
    assert await storage.dvo.count() == 1


async def test_deleting_a_cluster_for_one_organization_spares_the_others(storage: Storage) -> None:
    await storage.dvo.store([workloads(NOON, BILLING), workloads(NOON, SHIPPING, org=OTHER_ORG)])
    await storage.dvo.delete_of_clusters([CLUSTER], OTHER_ORG)
    assert await namespaces(storage) == [(CLUSTER, BILLING)]
    assert await namespaces(storage, OTHER_ORG) == []


async def test_a_batch_may_hold_many_namespaces(storage: Storage) -> None:
    many = [Namespace(f"namespace {number:04}") for number in range(1000)]
    assert await storage.dvo.store([workloads(NOON, *many)]) == [True]
    assert await namespaces(storage) == [(CLUSTER, one) for one in many]
