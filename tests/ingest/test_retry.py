"""Retries while a dependency is unavailable."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aggregator.errors import RecordRejected, Unavailable
from aggregator.ingest.retry import (
    BatchAbandoned,
    Retrier,
    RetryPolicy,
    State,
)
from tests.ingest.harness import until

QUICK = RetryPolicy(initial_delay=0.001, max_delay=0.004, slow_after=0.02, keep_alive=0.005)


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
    assert await Retrier(policy=QUICK).retry_until_available(attempt) == "done"
    assert attempt.calls == 3


async def test_changes_of_state_are_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    heard: list[State] = []
    retrier = Retrier(heard.append, policy=QUICK)
    await retrier.retry_until_available(Flaky(*[Unavailable("database: no")] * 5))
    assert heard == [State(paused=True, reason="database: no"), State()]
    assert [record.getMessage() for record in caplog.records] == [
        "consuming is paused: database: no",
        "available again, consuming resumes",
    ]


async def test_other_errors_are_not_repeated() -> None:
    attempt = Flaky(RecordRejected("too bad"))
    retrier = Retrier(policy=QUICK)
    with pytest.raises(RecordRejected):
        await retrier.retry_until_available(attempt)
    assert attempt.calls == 1
    assert not retrier.state.paused


async def test_the_waits_grow_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    retrier = Retrier(policy=QUICK)
    sleep = retrier._sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(retrier, "_sleep", noted)
    await retrier.retry_until_available(Flaky(*[Unavailable("no")] * 6))
    assert 0.0005 <= slept[0] <= 0.001
    assert 0.001 <= slept[1] <= 0.002
    assert all(0.002 <= wait <= 0.004 for wait in slept[2:])


async def test_the_group_is_kept_while_waiting() -> None:
    polls = 0

    async def poll() -> None:
        nonlocal polls
        polls += 1

    await Retrier(keep_alive=poll, policy=QUICK).retry_until_available(
        Flaky(*[Unavailable("no")] * 4)
    )
    assert polls >= 4


async def test_an_attempt_that_hangs_counts_as_paused_and_may_still_end_well() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    retrier = Retrier(policy=QUICK)

    async def slow() -> str:
        return await answer

    retrying = asyncio.ensure_future(retrier.retry_until_available(slow))
    await until(lambda: retrier.state.paused)
    assert retrier.state == State(paused=True, reason="no answer in 0.02 s")
    answer.set_result("late")
    assert await retrying == "late"
    assert retrier.state == State()


async def test_giving_up_ends_an_attempt_that_hangs() -> None:
    retrier = Retrier(policy=QUICK)
    retrying = asyncio.ensure_future(retrier.retry_until_available(never))
    await asyncio.sleep(0)
    retrier.abandon()
    with pytest.raises(BatchAbandoned):
        await retrying


async def test_giving_up_ends_a_long_wait() -> None:
    retrier = Retrier(policy=RetryPolicy(initial_delay=60, max_delay=60))
    retrying = asyncio.ensure_future(retrier.retry_until_available(Flaky(Unavailable("no"))))
    await asyncio.sleep(0.01)
    retrier.abandon()
    with pytest.raises(BatchAbandoned):
        await retrying


async def test_an_abandoned_batch_does_not_affect_the_next_one() -> None:
    retrier = Retrier(policy=QUICK)
    retrier.abandon()
    retrier.reset()
    assert await retrier.retry_until_available(Flaky()) == "done"


async def test_stopping_lets_an_attempt_end_but_repeats_nothing() -> None:
    retrier = Retrier(policy=QUICK)
    retrier.stop()
    assert await retrier.retry_until_available(Flaky()) == "done"
    with pytest.raises(BatchAbandoned):
        await retrier.retry_until_available(Flaky(Unavailable("no")))


async def test_stopping_ends_a_wait_at_once() -> None:
    retrier = Retrier(policy=RetryPolicy(initial_delay=60, max_delay=60))
    retrying = asyncio.ensure_future(retrier.retry_until_available(Flaky(Unavailable("no"))))
    await asyncio.sleep(0.01)
    retrier.stop()
    with pytest.raises(BatchAbandoned):
        await retrying
