"""Runs: what becomes of cases, in which order they run, what is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import responses

from testing.rest_suite.api import Api
from testing.rest_suite.case import (
    DELETE,
    DEPARTURES,
    READ,
    WRITE,
    Case,
    Marks,
)
from testing.rest_suite.checks import CheckFailed, check, skip
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.compare import Comparison
from testing.rest_suite.contract import DEFAULT_PREFIX
from testing.rest_suite.data import Claims, Data
from testing.rest_suite.probe import InstanceInfo
from testing.rest_suite.result import Outcome, Result
from testing.rest_suite.runner import Run

from .canned_instance import (
    DONE,
    HIT,
    INVENTORY,
    URL,
    VOTED,
    answer,
    sent,
    session,
)


def case(function: Callable[..., Any], kind: int = READ, name: str = "case", **marks: Any) -> Case:
    """Return a case made of a function."""
    return Case("group", name, function, Marks(kind, **marks))


def run(*cases: Case, workers: int = 2, **changes: Any) -> list[Result]:
    """Return the results of cases in one run."""
    return Run(session(**changes), INVENTORY, workers).all(cases)


def one(function: Callable[..., Any], **changes: Any) -> Result:
    """Return the result of one case."""
    (result,) = run(case(function), **changes)
    return result


def fails(api: Api, data: Data) -> None:
    raise CheckFailed("count: expected 1, got 2")


def stumbles(api: Api, data: Data) -> None:
    empty: dict[str, int] = {}
    empty["report"]


@pytest.mark.parametrize(
    ("function", "outcome", "reason"),
    [
        (lambda api, data: None, Outcome.PASSED, ""),
        (fails, Outcome.FAILED, "count: expected 1, got 2"),
        (stumbles, Outcome.FAILED, "KeyError: 'report'"),
        (lambda api, data: skip("no hit"), Outcome.SKIPPED, "no hit"),
        (lambda api, data: data.organizations(2), Outcome.SKIPPED, "2 organizations are needed"),
    ],
)
def test_a_case_ends_as_it_does(function: Any, outcome: Outcome, reason: str) -> None:
    result = one(function)
    assert result.outcome is outcome
    assert result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("changes", "marks", "reason"),
    [
        ({"allowed": [READ]}, {"kind": WRITE}, "needs --allow-writes"),
        ({"allowed": [READ]}, {"kind": DELETE}, "needs --allow-deletes"),
        ({}, {"profiles": (DEPARTURES,)}, "demanded by departures, not by reference-2026"),
    ],
)
def test_what_is_not_allowed_is_skipped(
    changes: dict[str, Any], marks: dict[str, Any], reason: str
) -> None:
    (result,) = run(case(fails, **marks), **changes)
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, reason)


def test_readers_run_before_writers_and_deletes_last() -> None:
    order: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda api, data: order.append(name)

    cases = [case(note(str(kind)), kind) for kind in (DELETE, WRITE, READ, DELETE, READ)]
    run(*cases)
    assert order == [str(kind) for kind in (READ, READ, WRITE, DELETE, DELETE)]


def test_taking_back_what_the_instance_does_not_have_is_no_failure() -> None:
    """A case notes how it cleans up before its first call, which may be of no such operation."""

    def ack(api: Api, data: Data) -> None:
        api.later(lambda: api.call("like_2020", **HIT.params, user_id="ann"))
        api.ok("like_2020", **HIT.params, user_id="ann")

    (result,) = run(case(ack, WRITE))
    assert result.outcome is Outcome.SKIPPED
    assert "does not exist in profile" in result.reason


def test_readers_run_beside_each_other() -> None:
    both = threading.Barrier(2, timeout=10)
    results = run(case(lambda api, data: both.wait()), case(lambda api, data: both.wait()))
    assert {result.outcome for result in results} == {Outcome.PASSED}


def test_two_writers_never_have_the_same_cluster() -> None:
    busy = threading.Lock()

    def write(api: Api, data: Data) -> None:
        assert data.own_hit() == HIT
        assert busy.acquire(blocking=False)
        busy.release()

    results = run(*[case(write, WRITE) for _ in range(20)], workers=8)
    assert {result.outcome for result in results} == {Outcome.PASSED}


@responses.activate
def test_a_case_that_fails_cleans_up() -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")

    def like(api: Api, data: Data) -> None:
        api.ok("like", **HIT.params, user_id="ann")
        raise CheckFailed("then it went wrong")

    result = one(like)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "then it went wrong")
    assert sent()[-1] == ("PUT", VOTED + "reset_vote")
    assert [exchange.operation for exchange in result.exchanges] == ["like", "reset_vote"]
    assert result.decisive == 1


@responses.activate
def test_a_clean_up_that_fails_fails_the_case() -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", "", status=500, method="PUT")
    result = one(lambda api, data: api.ok("like", **HIT.params, user_id="ann"))
    assert result.outcome is Outcome.FAILED
    assert "clean-up" in result.reason


@responses.activate
def test_an_interrupted_run_cleans_up_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(VOTED + "like", DONE, method="PUT")
    answer(VOTED + "reset_vote", DONE, method="PUT")
    liked = threading.Event()
    shared = session()

    def like(api: Api, data: Data) -> None:
        api.ok("like", **HIT.params, user_id="ann")
        liked.set()
        shared.stop.wait(10)
        api.ok("like", **HIT.params, user_id="ann")

    place = "testing.rest_suite.runner.wait"

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.undo()
        liked.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    running = Run(shared, INVENTORY, 1)
    results = running.all([case(like, WRITE), case(like, WRITE)])
    assert running.interrupted
    assert [result.outcome for result in results] == [Outcome.INTERRUPTED] * 2
    assert sent() == [("PUT", VOTED + "like"), ("PUT", VOTED + "reset_vote")]


def test_fail_fast_leaves_the_rest() -> None:
    running = Run(session(), INVENTORY, 1, fail_fast=True)
    results = running.all([case(fails), case(fails, WRITE), case(fails, DELETE)])
    outcomes = [result.outcome for result in results]
    assert outcomes == [Outcome.FAILED, Outcome.INTERRUPTED, Outcome.INTERRUPTED]


def test_a_run_is_repeated() -> None:
    results = Run(session(), INVENTORY).all([case(fails), case(lambda api, data: None)], 3)
    assert [result.outcome for result in results].count(Outcome.FAILED) == 3
    assert len(results) == 6


def test_a_disabled_hit_is_nobodys_to_write_to() -> None:
    data = Data(INVENTORY, Claims())
    assert data.own_hit().disabled is False
    data.release()
    assert data.own_hit() == HIT


def test_writers_come_one_by_one_where_two_instances_are_compared() -> None:
    running = threading.Semaphore(1)

    def alone(api: Api, data: Data) -> None:
        check(running.acquire(blocking=False), "another case writes")
        time.sleep(0.05)
        running.release()

    both = replace(
        session(), mirror=Comparison(Client(Connection(URL)), DEFAULT_PREFIX, InstanceInfo())
    )
    results = Run(both, INVENTORY, 4).all([case(alone, WRITE, str(number)) for number in range(4)])
    assert [result.reason for result in results] == [""] * 4
