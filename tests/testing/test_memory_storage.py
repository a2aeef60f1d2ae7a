"""The memory storage does what the others cannot: stop the clock, record calls, fail on demand."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from aggregator.errors import RecordRejected, Unavailable
from aggregator.model import Vote
from aggregator.storage import Storage
from testing.contract.sample_data import (
    ANN,
    CLUSTER,
    HIT,
    KEY,
    ORG,
    RULE,
    two_clusters,
)
from testing.mocks.clock import Clock, RisingClock
from testing.mocks.storage import memory_storage
from testing.mocks.watch import Watch


async def test_what_is_stored_has_the_time_of_the_clock() -> None:
    clock = Clock(datetime(2020, 2, 29, 12))
    async with memory_storage(clock) as storage:
        await two_clusters(storage)
        clock.advance(timedelta(minutes=15))
        await storage.toggles.put(ORG, HIT, disabled=True)
        await storage.acks.put(ORG, RULE, KEY, "")
        (toggle,) = await storage.toggles.disabled_rules(ORG)
        assert (await storage.reports.info(ORG, CLUSTER)).stored_at == datetime(2020, 2, 29, 12)
        assert toggle.disabled_at == datetime(2020, 2, 29, 12, 15)
        assert (await storage.acks.get(ORG, RULE, KEY)).created_at == toggle.disabled_at


async def test_a_watch_knows_every_call() -> None:
    watch = Watch()
    async with memory_storage(watch=watch) as storage:
        await two_clusters(storage)
        await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, message="")
        assert [call.method for call in watch.calls] == ["reports.store", "votes.put"]
        (call,) = watch.called("votes.put")
        assert call.arguments == (ORG, ANN, HIT, Vote.LIKE)
        assert call.options == {"message": ""}


async def test_the_next_calls_fail_as_told_and_change_nothing() -> None:
    watch = Watch()
    async with memory_storage(watch=watch) as storage:
        await two_clusters(storage)
        watch.fail("acks.put", Unavailable("first"), RecordRejected("second"))
        for error in (Unavailable, RecordRejected):
            with pytest.raises(error):
                await storage.acks.put(ORG, RULE, KEY, "")
        assert await storage.acks.all(ORG) == []
        await storage.acks.put(ORG, RULE, KEY, "")
        assert len(await storage.acks.all(ORG)) == 1


async def test_everything_fails_while_the_storage_is_unavailable() -> None:
    watch = Watch()
    async with memory_storage(watch=watch) as storage:
        watch.unavailable("gone fishing")
        for call in (storage.health.check(), storage.orgs.all(), storage.dvo.count()):
            with pytest.raises(Unavailable, match="gone fishing"):
                await call
        watch.available_again()
        assert await storage.orgs.all() == []


@pytest.mark.parametrize("method", ["votes.putt", "vote.put", "votes", "keeps.x"])
def test_a_fault_that_could_never_come_is_a_mistake(method: str) -> None:
    with pytest.raises(ValueError, match=f"'{method}' cannot fail, but reports.store"):
        Watch().fail(method, Unavailable(""))


def test_a_storage_may_be_used_by_one_loop_after_the_other() -> None:
    context = memory_storage()
    with asyncio.Runner() as runner:
        storage: Storage = runner.run(context.__aenter__())
        with asyncio.Runner() as other:
            other.run(two_clusters(storage))
            assert other.run(storage.reports.count()) == 2
        runner.run(context.__aexit__(None, None, None))


def test_two_storages_know_nothing_of_each_other() -> None:
    async def reports_of_the_other() -> int:
        async with memory_storage() as one, memory_storage() as other:
            await two_clusters(one)
            return await other.reports.count()

    assert asyncio.run(reports_of_the_other()) == 0


def test_a_clock_stands_still_until_told() -> None:
    clock = Clock(datetime.fromisoformat("2026-05-01T10:00:00+02:00"))
    assert clock() == clock() == datetime(2026, 5, 1, 8)
    clock.set(datetime(2025, 1, 1))
    assert clock() == datetime(2025, 1, 1)
    assert clock.advance(timedelta(hours=-1)) == datetime(2024, 12, 31, 23)


def test_a_rising_clock_never_says_the_same_twice() -> None:
    still = Clock()
    rising = RisingClock(still)
    first, second = rising(), rising()
    still.advance(timedelta(days=-1))
    assert first < second < rising()
