"""Contract tests of toggle storages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.errors import NotFound
from aggregator.model import OrgId, RuleId, utc_now
from aggregator.storage import Storage

from .sample_data import (
    ANN,
    BOB,
    CLUSTER,
    HIT,
    HIT_ELSEWHERE,
    HIT_NOWHERE,
    KEY,
    NO_ORG,
    ORG,
    OTHER_CLUSTER,
    OTHER_HIT,
    OTHER_KEY,
    OTHER_ORG,
    RULE,
    UNKNOWN_CLUSTER,
    two_clusters,
)


async def test_what_is_switched_off_is_listed_with_its_time(storage: Storage) -> None:
    await two_clusters(storage)
    before = utc_now()
    await storage.toggles.put(ORG, HIT, disabled=True)
    (toggle,) = await storage.toggles.disabled_rules(ORG)
    assert (toggle.hit, toggle.disabled, toggle.enabled_at) == (HIT, True, None)
    assert toggle.disabled_at is not None
    assert toggle.disabled_at == toggle.updated_at
    assert before <= toggle.disabled_at <= utc_now()


async def test_what_is_switched_on_again_is_not_listed(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.toggles.put(ORG, HIT, disabled=False)
    assert await storage.toggles.disabled_rules(ORG) == []
    assert await storage.toggles.disabled_clusters(ORG, RULE, KEY) == []


async def test_the_list_is_by_cluster_rule_and_key(storage: Storage) -> None:
    await two_clusters(storage)
    for hit in (HIT_ELSEWHERE, HIT, OTHER_HIT):
        await storage.toggles.put(ORG, hit, disabled=True)
    found = await storage.toggles.disabled_rules(ORG)
    assert [toggle.hit for toggle in found] == [OTHER_HIT, HIT, HIT_ELSEWHERE]


async def test_the_list_can_be_limited_to_clusters(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.toggles.put(ORG, HIT_ELSEWHERE, disabled=True)
    wanted = [OTHER_CLUSTER, OTHER_CLUSTER, UNKNOWN_CLUSTER, "x') OR (1=1) --"]
    found = await storage.toggles.disabled_rules(ORG, wanted)
    assert [toggle.hit for toggle in found] == [HIT_ELSEWHERE]
    assert await storage.toggles.disabled_rules(ORG, []) == []


async def test_the_last_organization_has_the_toggle(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.toggles.put(OTHER_ORG, HIT, disabled=True)
    assert await storage.toggles.disabled_rules(ORG) == []
    assert [one.hit for one in await storage.toggles.disabled_rules(OTHER_ORG)] == [HIT]


async def test_a_cluster_without_report_has_no_toggles(storage: Storage) -> None:
    with pytest.raises(NotFound, match=f"ID {UNKNOWN_CLUSTER} was not found"):
        await storage.toggles.put(ORG, HIT_NOWHERE, disabled=True)
    assert await storage.toggles.disabled_rules(ORG) == []


async def test_clusters_come_newest_first_with_the_newest_reason(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.toggles.put(ORG, HIT_ELSEWHERE, disabled=True)
    await storage.feedback.put(ORG, ANN, HIT, "first")
    await storage.feedback.put(ORG, BOB, HIT, "second")
    await storage.feedback.put(ORG, ANN, OTHER_HIT, "of another key")
    newest, oldest = await storage.toggles.disabled_clusters(ORG, RULE, KEY)
    assert (newest.cluster, newest.justification) == (OTHER_CLUSTER, "")
    assert (oldest.cluster, oldest.justification) == (CLUSTER, "second")
    assert newest.disabled_at is not None
    assert oldest.disabled_at is not None
    assert timedelta(0) < newest.disabled_at - oldest.disabled_at


async def test_clusters_are_those_of_this_rule_key_and_organization(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, OTHER_HIT, disabled=True)
    await storage.toggles.put(OTHER_ORG, HIT_ELSEWHERE, disabled=True)
    assert await storage.toggles.disabled_clusters(ORG, RULE, KEY) == []
    assert await storage.toggles.disabled_clusters(ORG, RuleId("a.b"), OTHER_KEY) == []


async def test_an_organization_beyond_31_bits_is_just_one_more(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(NO_ORG, HIT, disabled=True)
    assert [one.hit for one in await storage.toggles.disabled_rules(NO_ORG)] == [HIT]
    assert await storage.toggles.disabled_rules(OrgId(1)) == []


async def test_the_keys_of_a_rule_are_those_that_hit(storage: Storage) -> None:
    await two_clusters(storage)
    keys = storage.toggles.keys
    assert await keys(ORG, CLUSTER, RULE) == [OTHER_KEY, KEY]
    assert await keys(None, CLUSTER, RULE) == [OTHER_KEY, KEY]


async def test_a_rule_that_does_not_hit_has_the_empty_key(storage: Storage) -> None:
    await two_clusters(storage)
    keys = storage.toggles.keys
    assert await keys(ORG, CLUSTER, RuleId("a.b")) == [""]
    assert await keys(OTHER_ORG, CLUSTER, RULE) == [""]
    assert await keys(NO_ORG, CLUSTER, RULE) == [""]


async def test_the_report_shows_what_is_switched_off(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    report = await storage.reports.read(ORG, CLUSTER, ANN)
    assert {one.hit.error_key: one.disabled for one in report.hits} == {
        KEY: True,
        OTHER_KEY: False,
    }


async def test_a_toggle_of_a_cluster_of_another_owner_is_not_recorded(storage: Storage) -> None:
    await two_clusters(storage)
    for other in (OTHER_ORG, NO_ORG):
        with pytest.raises(NotFound, match=f"ID {CLUSTER} was not found"):
            await storage.toggles.put(ORG, HIT, disabled=True, owner=other)
    assert await storage.toggles.disabled_rules(ORG) == []
    await storage.toggles.put(ORG, HIT, disabled=True, owner=ORG)
    with pytest.raises(NotFound):
        await storage.toggles.put(OTHER_ORG, HIT, disabled=False, owner=OTHER_ORG)
    assert [one.hit for one in await storage.toggles.disabled_rules(ORG)] == [HIT]
