"""Contract tests of rating storages."""

from __future__ import annotations

import pytest

from aggregator.errors import NotFound
from aggregator.model import (
    ErrorKey,
    Rating,
    RuleId,
    RuleSelector,
)
from aggregator.storage import Storage

from .sample_data import NO_ORG, ORG, OTHER_ORG

RULE, KEY, SELECTOR = RuleId("a.b"), ErrorKey("KEY"), RuleSelector("a.b|KEY")


async def test_a_rating_is_read_back_by_its_selector(storage: Storage) -> None:
    await storage.ratings.put(ORG, RULE, KEY, 1)
    assert await storage.ratings.get(ORG, SELECTOR) == Rating("a.b|KEY", 1)


async def test_the_last_rating_wins(storage: Storage) -> None:
    await storage.ratings.put(ORG, RULE, KEY, 1)
    await storage.ratings.put(ORG, RULE, KEY, -1)
    assert await storage.ratings.get(ORG, SELECTOR) == Rating("a.b|KEY", -1)


async def test_a_rating_of_0_is_a_rating(storage: Storage) -> None:
    await storage.ratings.put(ORG, RULE, KEY, 0)
    assert await storage.ratings.get(ORG, SELECTOR) == Rating("a.b|KEY", 0)


async def test_organizations_rate_for_themselves(storage: Storage) -> None:
    await storage.ratings.put(ORG, RULE, KEY, 1)
    await storage.ratings.put(NO_ORG, RULE, KEY, -1)
    assert (await storage.ratings.get(NO_ORG, SELECTOR)).rating == -1
    with pytest.raises(NotFound, match=r"ID 102/a\.b\|KEY/rating was not found"):
        await storage.ratings.get(OTHER_ORG, SELECTOR)


async def test_the_selector_is_the_whole_name(storage: Storage) -> None:
    await storage.ratings.put(ORG, RULE, KEY, 1)
    with pytest.raises(NotFound, match=r"ID 101/a\.b\.report\|KEY/rating was not found"):
        await storage.ratings.get(ORG, RuleSelector("a.b.report|KEY"))
