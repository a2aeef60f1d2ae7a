"""Contract tests of report storages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.errors import NotFound
from aggregator.model import (
    ErrorKey,
    Hit,
    Report,
    ReportText,
    RuleHit,
    RuleSelector,
    Version,
    Vote,
)
from aggregator.storage import Storage

from .sample_data import (
    ANN,
    BOB,
    CLUSTER,
    EVENING,
    HIT,
    KEY,
    MORNING,
    NO_ORG,
    NOON,
    ORG,
    OTHER_CLUSTER,
    OTHER_HIT,
    OTHER_KEY,
    OTHER_ORG,
    RULE,
    UNKNOWN_CLUSTER,
    two_clusters,
)

FIRST = Report(ORG, CLUSTER, '{"a":1}', (Hit(RULE, KEY, '{"n":1}'),), NOON, version=Version("4.1"))
SELECTOR = RuleSelector(f"{RULE.removesuffix('.report')}|{KEY}")


async def test_hits_come_by_rule_and_key(storage: Storage) -> None:
    await two_clusters(storage)
    report = await storage.reports.read(ORG, CLUSTER, ANN)
    assert [read.hit.error_key for read in report.hits] == [OTHER_KEY, KEY]
    assert report.last_checked_at == NOON


async def test_a_report_is_its_owners_alone(storage: Storage) -> None:
    await two_clusters(storage)
    for org, cluster in ((OTHER_ORG, CLUSTER), (NO_ORG, CLUSTER), (ORG, UNKNOWN_CLUSTER)):
        with pytest.raises(NotFound):
            await storage.reports.read(org, cluster, ANN)
        with pytest.raises(NotFound):
            await storage.reports.info(org, cluster)


async def test_an_older_or_equal_report_changes_nothing(storage: Storage) -> None:
    assert await storage.reports.store([FIRST]) == [True]
    late = replace(FIRST, org=OTHER_ORG, hits=(), text="{}", version=Version("9"))
    assert await storage.reports.store([late, replace(late, last_checked_at=MORNING)]) == [
        False,
        False,
    ]
    assert (await storage.reports.info(ORG, CLUSTER)).count == 1
    (hit,) = await storage.recommendations.clusters_hit_by(ORG, SELECTOR, [])
    assert hit.version == "4.1"


async def test_a_batch_counts_as_one_by_one(storage: Storage) -> None:
    newer = replace(FIRST, last_checked_at=EVENING, hits=())
    older = replace(FIRST, last_checked_at=MORNING)
    assert await storage.reports.store([FIRST, newer, older]) == [True, True, False]
    assert (await storage.reports.info(ORG, CLUSTER)).count == 0


async def test_a_newer_report_keeps_when_a_hit_was_first_seen(storage: Storage) -> None:
    await storage.reports.store([FIRST])
    before = await storage.reports.read(ORG, CLUSTER, ANN)
    changed = (Hit(RULE, KEY, '{"n":2}'), Hit(RULE, OTHER_KEY, "{}"))
    await storage.reports.store([replace(FIRST, last_checked_at=EVENING, hits=changed)])
    after = await storage.reports.read(ORG, CLUSTER, ANN)
    kept = next(read.hit for read in after.hits if read.hit.error_key == KEY)
    assert kept.template_data == '{"n":2}'
    assert kept.created_at == before.hits[0].hit.created_at


async def test_a_cluster_moves_to_its_new_organization_with_all_that_was_said(
    storage: Storage,
) -> None:
    await storage.reports.store([FIRST])
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.reports.store([replace(FIRST, org=OTHER_ORG, last_checked_at=EVENING)])
    assert await storage.orgs.owner(CLUSTER) == OTHER_ORG
    (read,) = (await storage.reports.read(OTHER_ORG, CLUSTER, ANN)).hits
    assert (read.disabled, read.vote) == (True, Vote.LIKE)
    assert await storage.toggles.disabled_rules(ORG) == []
    with pytest.raises(NotFound):
        await storage.recommendations.clusters_hit_by(ORG, SELECTOR, [])


async def test_a_report_shows_what_its_reader_said(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(ORG, ANN, HIT, "not in production")
    await storage.votes.put(ORG, ANN, OTHER_HIT, Vote.DISLIKE, "")
    for_ann = await storage.reports.read(ORG, CLUSTER, ANN)
    # the reason and the vote show on every key of the rule (contract rest-api 3.2)
    assert [read.reason for read in for_ann.hits] == ["not in production"] * 2
    assert [read.vote for read in for_ann.hits] == [Vote.DISLIKE] * 2
    for_bob = await storage.reports.read(ORG, CLUSTER, BOB)
    assert [(read.reason, read.vote) for read in for_bob.hits] == [("", Vote.NONE)] * 2


async def test_a_rule_is_shown_as_the_user_said_of_this_very_key(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(ORG, ANN, HIT, "not in production")
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    of_key = await storage.reports.rule(ORG, HIT, ANN)
    assert (of_key.template_data, of_key.vote, of_key.reason) == (
        "{}",
        Vote.LIKE,
        "not in production",
    )
    assert (of_key.toggled, of_key.disabled, of_key.disabled_at) == (False, False, None)
    of_other_key = await storage.reports.rule(ORG, OTHER_HIT, ANN)
    assert (of_other_key.vote, of_other_key.reason) == (Vote.NONE, "")


async def test_a_rule_shows_the_newest_toggle_of_any_key(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=False)
    await storage.toggles.put(ORG, OTHER_HIT, disabled=True)
    off = await storage.reports.rule(ORG, HIT, ANN)
    assert (off.toggled, off.disabled) == (True, True)
    assert off.disabled_at is not None
    await storage.toggles.put(ORG, HIT, disabled=False)
    on = await storage.reports.rule(ORG, HIT, ANN)
    assert (on.toggled, on.disabled, on.disabled_at) == (True, False, None)


async def test_the_word_on_the_same_key_goes_before_a_newer_one(storage: Storage) -> None:
    await two_clusters(storage)
    for hit, vote, reason in ((HIT, Vote.LIKE, "first"), (OTHER_HIT, Vote.DISLIKE, "second")):
        await storage.votes.put(ORG, ANN, hit, vote, "")
        await storage.feedback.put(ORG, ANN, hit, reason)
    report = await storage.reports.read(ORG, CLUSTER, ANN)
    assert {one.hit.error_key: (one.vote, one.reason) for one in report.hits} == {
        KEY: (Vote.LIKE, "first"),
        OTHER_KEY: (Vote.DISLIKE, "second"),
    }


async def test_a_reason_of_a_key_that_does_not_hit_is_not_shown(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.feedback.put(ORG, ANN, RuleHit(CLUSTER, RULE, ErrorKey("GONE")), "of old")
    report = await storage.reports.read(ORG, CLUSTER, ANN)
    assert [one.reason for one in report.hits] == ["", ""]


async def test_a_message_without_version_leaves_the_stored_one(storage: Storage) -> None:
    await storage.reports.store([FIRST])
    await storage.reports.store([replace(FIRST, last_checked_at=EVENING, version=None)])
    (hit,) = await storage.recommendations.clusters_hit_by(ORG, SELECTOR, [])
    assert hit.version == "4.1"


async def test_deleting_a_cluster_leaves_nothing_of_it(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.reports.delete_of_clusters([CLUSTER])
    assert await storage.toggles.disabled_rules(ORG) == []
    assert await storage.recommendations.by_rule(ORG, [CLUSTER]) == []
    assert await storage.orgs.clusters(ORG, MORNING) == [OTHER_CLUSTER]
    with pytest.raises(NotFound):
        await storage.reports.rule(ORG, HIT, ANN)


async def test_deleting_a_cluster_for_one_organization_spares_the_others(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, "")
    await storage.reports.delete_of_clusters([CLUSTER, OTHER_CLUSTER], OTHER_ORG)
    assert await storage.orgs.clusters(ORG, MORNING) == [CLUSTER, OTHER_CLUSTER]
    assert len(await storage.toggles.disabled_rules(ORG)) == 1
    assert await storage.votes.get(ANN, HIT) == Vote.LIKE
    await storage.reports.delete_of_clusters([CLUSTER], ORG)
    assert await storage.orgs.clusters(ORG, MORNING) == [OTHER_CLUSTER]
    assert await storage.toggles.disabled_rules(ORG) == []


async def test_deleting_an_organization_spares_the_others(storage: Storage) -> None:
    await two_clusters(storage)
    await storage.reports.store([replace(FIRST, org=OTHER_ORG, cluster=UNKNOWN_CLUSTER)])
    await storage.reports.delete_of_orgs([ORG, NO_ORG])
    assert await storage.orgs.all() == [OTHER_ORG]
    assert await storage.reports.count() == 1


async def test_many_texts_are_read_at_once_with_their_owners(storage: Storage) -> None:
    await two_clusters(storage)
    found = await storage.reports.read_many(OTHER_ORG, [CLUSTER, UNKNOWN_CLUSTER])
    assert found == [ReportText(CLUSTER, ORG, "{}")]


async def test_recommendations_are_listed_both_ways(storage: Storage) -> None:
    await two_clusters(storage)
    clusters = [CLUSTER, OTHER_CLUSTER, UNKNOWN_CLUSTER]
    by_rule = dict(await storage.recommendations.by_rule(ORG, clusters))
    assert by_rule[SELECTOR] == [CLUSTER, OTHER_CLUSTER]
    by_cluster = await storage.recommendations.by_cluster(ORG, clusters)
    assert [one.cluster for one in by_cluster] == [CLUSTER, OTHER_CLUSTER]
    assert all(SELECTOR in one.recommendations for one in by_cluster)
    assert await storage.recommendations.by_rule(OTHER_ORG, clusters) == []
    assert await storage.recommendations.by_cluster(NO_ORG, clusters) == []
