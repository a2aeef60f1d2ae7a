"""Contract tests of ack storages."""

from __future__ import annotations

import pytest

from aggregator.errors import NotFound
from aggregator.model import RuleId
from aggregator.storage import Storage

from .sample_data import (
    KEY,
    NO_ORG,
    ORG,
    OTHER_KEY,
    OTHER_ORG,
    RULE,
)


async def test_an_ack_is_read_back(storage: Storage) -> None:
    await storage.acks.put(ORG, RULE, KEY, "silly rule ✗")
    ack = await storage.acks.get(ORG, RULE, KEY)
    assert (ack.org, ack.rule_id, ack.error_key) == (ORG, RULE, KEY)
    assert ack.justification == "silly rule ✗"
    assert ack.created_at is not None
    assert ack.updated_at is None


async def test_without_an_ack_the_rule_was_not_disabled(storage: Storage) -> None:
    await storage.acks.put(ORG, RULE, KEY, "")
    for named in ((OTHER_ORG, RULE, KEY), (ORG, RuleId("a.b"), KEY), (ORG, RULE, OTHER_KEY)):
        with pytest.raises(NotFound, match=r"^Rule was not disabled$"):
            await storage.acks.get(*named)


async def test_an_ack_given_again_is_born_again(storage: Storage) -> None:
    await storage.acks.put(ORG, RULE, KEY, "first")
    await storage.acks.update(ORG, RULE, KEY, "second")
    first = await storage.acks.get(ORG, RULE, KEY)
    await storage.acks.put(ORG, RULE, KEY, "third")
    again = await storage.acks.get(ORG, RULE, KEY)
    assert again.justification == "third"
    assert first.created_at is not None
    assert again.created_at is not None
    assert first.created_at < again.created_at
    assert again.updated_at == first.updated_at


async def test_an_update_changes_text_and_time_of_change(storage: Storage) -> None:
    await storage.acks.put(ORG, RULE, KEY, "first")
    first = await storage.acks.get(ORG, RULE, KEY)
    await storage.acks.update(ORG, RULE, KEY, "second")
    second = await storage.acks.get(ORG, RULE, KEY)
    assert second.justification == "second"
    assert second.created_at == first.created_at
    assert second.updated_at is not None


async def test_an_update_without_an_ack_does_nothing(storage: Storage) -> None:
    await storage.acks.update(ORG, RULE, KEY, "text")
    assert await storage.acks.all(ORG) == []


async def test_an_ack_can_be_taken_back_twice(storage: Storage) -> None:
    await storage.acks.put(ORG, RULE, KEY, "")
    await storage.acks.put(ORG, RULE, OTHER_KEY, "")
    await storage.acks.delete(ORG, RULE, KEY)
    await storage.acks.delete(ORG, RULE, KEY)
    assert [ack.error_key for ack in await storage.acks.all(ORG)] == [OTHER_KEY]


async def test_all_acks_of_an_organization_come_by_rule_and_key(storage: Storage) -> None:
    first = RuleId("a.b")
    for org, rule, key in (
        (ORG, RULE, KEY),
        (ORG, RULE, OTHER_KEY),
        (ORG, first, KEY),
        (OTHER_ORG, RULE, KEY),
    ):
        await storage.acks.put(org, rule, key, "")
    found = await storage.acks.all(ORG)
    named = [(ack.rule_id, ack.error_key) for ack in found]
    assert named == [(first, KEY), (RULE, OTHER_KEY), (RULE, KEY)]


async def test_an_organization_beyond_31_bits_has_acks(storage: Storage) -> None:
    await storage.acks.put(NO_ORG, RULE, KEY, "")
    assert [ack.org for ack in await storage.acks.all(NO_ORG)] == [NO_ORG]
