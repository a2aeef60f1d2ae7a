"""Contract tests of vote storages."""

from __future__ import annotations

import pytest

from aggregator.errors import NotFound
from aggregator.model import ErrorKey, RuleHit, Vote
from aggregator.storage import Storage

from .sample_data import (
    ANN,
    BOB,
    CLUSTER,
    HIT,
    HIT_NOWHERE,
    KEY,
    NO_ORG,
    ORG,
    OTHER_HIT,
    OTHER_KEY,
    OTHER_ORG,
    RULE,
    two_clusters,
)


async def test_a_vote_is_the_users_own(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.votes.put(ORG, BOB, HIT, Vote.DISLIKE, "")
    assert await storage.votes.get(ANN, HIT) is Vote.LIKE
    assert await storage.votes.get(BOB, HIT) is Vote.DISLIKE


async def test_the_last_vote_wins(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.votes.put(ORG, ANN, HIT, Vote.DISLIKE, "no")
    assert await storage.votes.get(ANN, HIT) is Vote.DISLIKE


async def test_a_vote_that_was_reset_is_none_and_still_there(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.votes.put(ORG, ANN, HIT, Vote.NONE, "")
    assert await storage.votes.get(ANN, HIT) is Vote.NONE


async def test_a_vote_on_another_key_is_another_vote(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    with pytest.raises(NotFound, match=f"ID {CLUSTER}/{RULE}/ann was not found"):
        await storage.votes.get(ANN, OTHER_HIT)


async def test_the_rule_need_not_hit_the_cluster(storage: Storage) -> None:
    await two_clusters(storage)
    hit = RuleHit(CLUSTER, RULE, ErrorKey('it\'s "quoted" ✗'))
    await storage.votes.put(ORG, ANN, hit, Vote.LIKE, "")
    assert await storage.votes.get(ANN, hit) is Vote.LIKE


async def test_the_newest_vote_is_of_any_key(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.votes.put(ORG, ANN, OTHER_HIT, Vote.DISLIKE, "")
    assert await storage.votes.newest(ANN, CLUSTER, RULE) is Vote.DISLIKE
    await storage.votes.put(ORG, ANN, HIT, Vote.NONE, "")
    assert await storage.votes.newest(ANN, CLUSTER, RULE) is Vote.NONE


async def test_without_any_vote_there_is_no_newest_one(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, BOB, HIT, Vote.LIKE, "")
    with pytest.raises(NotFound, match=f"ID {CLUSTER}/{RULE}/ann was not found"):
        await storage.votes.newest(ANN, CLUSTER, RULE)


async def test_nobody_votes_on_a_cluster_without_report(storage: Storage) -> None:
    with pytest.raises(NotFound, match=f"ID {HIT_NOWHERE.cluster} was not found"):
        await storage.votes.put(ORG, ANN, HIT_NOWHERE, Vote.LIKE, "")
    with pytest.raises(NotFound):
        await storage.votes.get(ANN, HIT_NOWHERE)


async def test_a_vote_goes_with_its_report(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.reports.delete_of_clusters([CLUSTER])
    with pytest.raises(NotFound):
        await storage.votes.get(ANN, HIT)


async def test_the_report_shows_the_vote_to_its_user(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    of_ann = await storage.reports.read(ORG, CLUSTER, ANN)
    of_bob = await storage.reports.read(ORG, CLUSTER, BOB)
    assert {one.hit.error_key: one.vote for one in of_ann.hits}[KEY] is Vote.LIKE
    assert {one.hit.error_key: one.vote for one in of_bob.hits} == {
        KEY: Vote.NONE,
        OTHER_KEY: Vote.NONE,
    }


async def test_a_vote_on_a_cluster_of_another_owner_is_not_recorded(storage: Storage) -> None:
    await two_clusters(storage)
    for other in (OTHER_ORG, NO_ORG):
        with pytest.raises(NotFound, match=f"ID {CLUSTER} was not found"):
            await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "", owner=other)
    with pytest.raises(NotFound):
        await storage.votes.get(ANN, HIT)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "", owner=ORG)
    with pytest.raises(NotFound):
        await storage.votes.put(OTHER_ORG, ANN, HIT, Vote.DISLIKE, "", owner=OTHER_ORG)
    assert await storage.votes.get(ANN, HIT) is Vote.LIKE
