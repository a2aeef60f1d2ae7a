"""Contract tests of disable feedback storages."""

from __future__ import annotations

import pytest

from aggregator.errors import NotFound
from aggregator.model import utc_now
from aggregator.storage import Storage

from .sample_data import (
    ANN,
    BOB,
    CLUSTER,
    HIT,
    HIT_ELSEWHERE,
    HIT_NOWHERE,
    NO_ORG,
    ORG,
    OTHER_HIT,
    OTHER_ORG,
    two_clusters,
)


async def test_a_reason_is_listed_with_its_times(storage: Storage) -> None:
    await two_clusters(storage)
    before = utc_now()
    await storage.feedback.put(ORG, ANN, HIT, "because ✓")
    (reason,) = await storage.feedback.of_user(ANN)
    assert (reason.hit, reason.message) == (HIT, "because ✓")
    assert reason.added_at is not None
    assert reason.added_at == reason.updated_at
    assert before <= reason.added_at <= utc_now()


async def test_a_new_reason_replaces_the_earlier_one_but_not_its_birth(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(ORG, ANN, HIT, "first")
    (first,) = await storage.feedback.of_user(ANN)
    await storage.feedback.put(OTHER_ORG, ANN, HIT, "second")
    (second,) = await storage.feedback.of_user(ANN)
    assert second.message == "second"
    assert second.added_at == first.added_at
    assert first.updated_at is not None
    assert second.updated_at is not None
    assert first.updated_at < second.updated_at


async def test_a_user_sees_own_reasons_by_cluster_rule_and_key(storage: Storage) -> None:
    await two_clusters(storage)
    for hit in (HIT_ELSEWHERE, HIT, OTHER_HIT):
        await storage.feedback.put(ORG, ANN, hit, "a")
    await storage.feedback.put(ORG, BOB, HIT, "b")
    found = await storage.feedback.of_user(ANN)
    assert [reason.hit for reason in found] == [OTHER_HIT, HIT, HIT_ELSEWHERE]
    assert [reason.message for reason in await storage.feedback.of_user(BOB)] == ["b"]


async def test_reasons_can_be_limited_to_an_organization(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(ORG, ANN, HIT, "mine")
    await storage.feedback.put(OTHER_ORG, ANN, HIT_ELSEWHERE, "theirs")
    assert [one.message for one in await storage.feedback.of_user(ANN, ORG)] == ["mine"]
    assert [one.message for one in await storage.feedback.of_user(ANN, OTHER_ORG)] == ["theirs"]
    assert await storage.feedback.of_user(ANN, NO_ORG) == []


async def test_a_reason_needs_no_toggle_and_no_stored_organization(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(NO_ORG, ANN, HIT, "")
    assert [reason.message for reason in await storage.feedback.of_user(ANN)] == [""]
    assert await storage.toggles.disabled_rules(NO_ORG) == []


async def test_a_cluster_without_report_has_no_reasons(storage: Storage) -> None:
    with pytest.raises(NotFound, match=f"ID {HIT_NOWHERE.cluster} was not found"):
        await storage.feedback.put(ORG, ANN, HIT_NOWHERE, "x")
    assert await storage.feedback.of_user(ANN) == []


async def test_a_reason_for_a_cluster_of_another_owner_is_not_recorded(storage: Storage) -> None:
    await two_clusters(storage)
    for other in (OTHER_ORG, NO_ORG):
        with pytest.raises(NotFound, match=f"ID {CLUSTER} was not found"):
            await storage.feedback.put(ORG, ANN, HIT, "x", owner=other)
    assert await storage.feedback.of_user(ANN) == []
    await storage.feedback.put(ORG, ANN, HIT, "mine", owner=ORG)
    with pytest.raises(NotFound):
        await storage.feedback.put(OTHER_ORG, ANN, HIT, "theirs", owner=OTHER_ORG)
    assert [one.message for one in await storage.feedback.of_user(ANN)] == ["mine"]
