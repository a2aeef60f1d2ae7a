"""Any sequence of votes, toggles and acks ends like the same sequence on dictionaries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.config.options import Config
from aggregator.db import storage as sql
from aggregator.model import (
    ErrorKey,
    RuleHit,
    RuleId,
    UserId,
    Vote,
)
from aggregator.storage import Storage
from testing.contract.sample_data import (
    CLUSTER,
    KEY,
    ORG,
    OTHER_CLUSTER,
    OTHER_KEY,
    RULE,
    two_clusters,
)

Key = tuple[RuleId, ErrorKey]
Step = tuple[Any, ...]

HITS = st.builds(
    RuleHit,
    st.sampled_from([CLUSTER, OTHER_CLUSTER]),
    st.just(RULE),
    st.sampled_from([KEY, OTHER_KEY]),
)
USERS = st.sampled_from([UserId("ann"), UserId("bob")])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("vote"), USERS, HITS, st.sampled_from(list(Vote))),
        st.tuples(st.just("toggle"), HITS, st.booleans()),
        st.tuples(st.just("ack"), HITS, TEXTS),
        st.tuples(st.just("update"), HITS, TEXTS),
        st.tuples(st.just("unack"), HITS),
    ),
    max_size=25,
)


@dataclass
class Dictionaries:
    """What is to be expected."""

    votes: dict[tuple[UserId, RuleHit], Vote] = field(default_factory=dict)
    disabled: set[RuleHit] = field(default_factory=set)
    acks: dict[Key, str] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        match step:
            case ("vote", user, hit, vote):
                self.votes[user, hit] = vote
            case ("toggle", hit, True):
                self.disabled.add(hit)
            case ("toggle", hit, False):
                self.disabled.discard(hit)
            case ("ack", hit, text):
                self.acks[hit.rule_id, hit.error_key] = text
            case ("update", hit, text) if (hit.rule_id, hit.error_key) in self.acks:
                self.acks[hit.rule_id, hit.error_key] = text
            case ("unack", hit):
                self.acks.pop((hit.rule_id, hit.error_key), None)


async def take(storage: Storage, step: Step) -> None:
    match step:
        case ("vote", user, hit, vote):
            await storage.votes.put(ORG, user, hit, vote, "")
        case ("toggle", hit, disabled):
            await storage.toggles.put(ORG, hit, disabled=disabled)
        case ("ack", hit, text):
            await storage.acks.put(ORG, hit.rule_id, hit.error_key, text)
        case ("update", hit, text):
            await storage.acks.update(ORG, hit.rule_id, hit.error_key, text)
        case ("unack", hit):
            await storage.acks.delete(ORG, hit.rule_id, hit.error_key)


async def played(steps: list[Step]) -> None:
    storage, health = sql.build(Config())
    await health.require_latest()
    model = Dictionaries()
    try:
        await two_clusters(storage)
        for step in steps:
            await take(storage, step)
            model.take(step)
        for (user, hit), vote in model.votes.items():
            assert await storage.votes.get(user, hit) is vote
        assert {one.hit for one in await storage.toggles.disabled_rules(ORG)} == model.disabled
        acks = await storage.acks.all(ORG)
        found = {(one.rule_id, one.error_key): one.justification for one in acks}
        assert found == model.acks
    finally:
        await health.close()


@given(STEPS)
@settings(max_examples=40)
def test_any_sequence_ends_like_on_dictionaries(steps: list[Step]) -> None:
    asyncio.run(played(steps))
