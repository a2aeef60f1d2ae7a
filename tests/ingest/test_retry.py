"""Waiting for a dependency that is away."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aggregator.errors import RecordRejected, Unavailable
from aggregator.ingest.retry import (
    Backpressure,
    GivenUp,
    State,
    Waits,
)
from tests.ingest.scene import until

QUICK = Waits(first=0.001, longest=0.004, patience=0.02, keep_alive=0.005)


class Flaky:
    """Raises the errors one a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def never() -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_attempt_is_repeated_until_the_dependency_is_back() -> None:
    attempt = Flaky(Unavailable("database: no"), Unavailable("database: no"))
    assert await Backpressure(waits=QUICK).insist(attempt) == "done"
    assert attempt.calls == 3


async def test_changes_of_state_are_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    heard: list[State] = []
    backpressure = Backpressure(heard.append, waits=QUICK)
    await backpressure.insist(Flaky(*[Unavailable("database: no")] * 5))
    assert heard == [State(paused=True, reason="database: no"), State()]
    assert [record.getMessage() for record in caplog.records] == [
        "consuming is paused: database: no",
        "available again, consuming goes on",
    ]


async def test_other_errors_are_not_repeated() -> None:
    attempt = Flaky(RecordRejected("too bad"))
    backpressure = Backpressure(waits=QUICK)
    with pytest.raises(RecordRejected):
        await backpressure.insist(attempt)
    assert attempt.calls == 1
    assert not backpressure.state.paused


async def test_the_waits_grow_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    backpressure = Backpressure(waits=QUICK)
    sleep = backpressure._sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(backpressure, "_sleep", noted)
    await backpressure.insist(Flaky(*[Unavailable("no")] * 6))
    assert 0.0005 <= slept[0] <= 0.001
    assert 0.001 <= slept[1] <= 0.002
    assert all(0.002 <= wait <= 0.004 for wait in slept[2:])


async def test_the_group_is_kept_while_waiting() -> None:
    polls = 0

    async def poll() -> None:
        nonlocal polls
        polls += 1

    await Backpressure(keep_alive=poll, waits=QUICK).insist(Flaky(*[Unavailable("no")] * 4))
    assert polls >= 4


async def test_an_attempt_that_hangs_counts_as_paused_and_may_still_end_well() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    backpressure = Backpressure(waits=QUICK)

    async def slow() -> str:
        return await answer

    insisting = asyncio.ensure_future(backpressure.insist(slow))
    await until(lambda: backpressure.state.paused)
    assert backpressure.state == State(paused=True, reason="no answer in 0.02 s")
    answer.set_result("late")
    assert await insisting == "late"
    assert backpressure.state == State()


async def test_giving_up_ends_an_attempt_that_hangs() -> None:
    backpressure = Backpressure(waits=QUICK)
    insisting = asyncio.ensure_future(backpressure.insist(never))
    await asyncio.sleep(0)
    backpressure.give_up()
    with pytest.raises(GivenUp):
        await insisting


async def test_giving_up_ends_a_long_wait() -> None:
    backpressure = Backpressure(waits=Waits(first=60, longest=60))
    insisting = asyncio.ensure_future(backpressure.insist(Flaky(Unavailable("no"))))
    await asyncio.sleep(0.01)
    backpressure.give_up()
    with pytest.raises(GivenUp):
        await insisting


async def test_what_was_given_up_does_not_spoil_the_next_batch() -> None:
    backpressure = Backpressure(waits=QUICK)
    backpressure.give_up()
    backpressure.begin()
    assert await backpressure.insist(Flaky()) == "done"


async def test_stopping_lets_an_attempt_end_but_repeats_nothing() -> None:
    backpressure = Backpressure(waits=QUICK)
    backpressure.stop()
    assert await backpressure.insist(Flaky()) == "done"
    with pytest.raises(GivenUp):
        await backpressure.insist(Flaky(Unavailable("no")))


async def test_stopping_ends_a_wait_at_once() -> None:
    backpressure = Backpressure(waits=Waits(first=60, longest=60))
    insisting = asyncio.ensure_future(backpressure.insist(Flaky(Unavailable("no"))))
    await asyncio.sleep(0.01)
    backpressure.stop()
    with pytest.raises(GivenUp):
        await insisting
