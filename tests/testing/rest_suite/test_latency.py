"""Latencies are measured and held to budgets."""

from __future__ import annotations

import pytest

from testing.rest_suite.latency import (
    Budget,
    Latency,
    chosen,
    judged,
    latencies,
    left,
    outliers,
    parse,
)
from testing.rest_suite.pace import PATIENCE_SECONDS, Pace
from testing.rest_suite.probe import UsageError
from testing.rest_suite.result import Outcome, Timing


def test_measures_are_of_nearest_rank() -> None:
    latency = Latency("report", tuple(number / 100 for number in range(1, 101)))
    measures = {name: latency.at(name) for name in ("p50", "p95", "p99", "max")}
    assert measures == {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    assert Latency("report", (0.3,)).at("p50") == 0.3


def test_only_answered_operations_of_the_contract_count() -> None:
    timings = [
        Timing("report", 200, 0.2),
        Timing("report", 404, 0.1),
        Timing("report", 0, 9.0),
        Timing("raw", 404, 9.0),
    ]
    assert latencies(timings) == [Latency("report", (0.1, 0.2), (0.1, 0.2))]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("p95=500ms", Budget("p95", 0.5)),
        ("max=2s", Budget("max", 2.0)),
        ("report:p50=0.5s", Budget("p50", 0.5, "report")),
    ],
)
def test_a_budget_is_read(text: str, budget: Budget) -> None:
    assert parse(text) == budget


def test_a_budget_is_kept_when_none_is_given_and_none_when_off() -> None:
    assert chosen([]) == [Budget("p95", 1.0, eased=True)]
    assert chosen(["off"]) == []
    assert chosen(["max=1s", "report:p50=1s"]) == [
        Budget("max", 1.0),
        Budget("p50", 1.0, "report"),
    ]


@pytest.mark.parametrize("text", ["", "p95", "p95=500", "p101=1s", "mean=1s", "nope:p95=1s"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        parse(text)


def test_an_operation_that_is_too_slow_fails_and_its_own_budget_beats_the_general() -> None:
    found = [Latency("info", (0.3,)), Latency("main", (0.1,)), Latency("report", (0.3,))]
    budgets = [parse("p95=200ms"), parse("report:p95=1s")]
    outcomes = {result.id: result.outcome for result in judged(budgets, found)}
    assert outcomes == {
        "budget.info.p95": Outcome.FAILED,
        "budget.main.p95": Outcome.PASSED,
        "budget.report.p95": Outcome.PASSED,
    }


@pytest.mark.parametrize(
    ("seconds", "size", "options", "outcome"),
    [
        (5.0, 6_000_000, [], Outcome.PASSED),
        (7.0, 6_000_000, [], Outcome.FAILED),
        (5.0, 900_000, [], Outcome.FAILED),
        (5.0, 6_000_000, ["p95=1s"], Outcome.FAILED),
    ],
)
def test_large_answers_may_take_longer_where_no_budget_is_given(
    seconds: float, size: int, options: list[str], outcome: Outcome
) -> None:
    found = latencies([Timing("workloads", 200, seconds, size)])
    (result,) = judged(chosen(options), found)
    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("seconds", "options", "outcome"),
    [
        ((0.1, 5.0), [], Outcome.PASSED),
        ((5.0, 5.0), [], Outcome.FAILED),
        ((5.0,), [], Outcome.FAILED),
        ((0.1, 5.0), ["p95=1s"], Outcome.FAILED),
    ],
)
def test_one_slow_answer_is_none_where_no_budget_is_given(
    seconds: tuple[float, ...], options: list[str], outcome: Outcome
) -> None:
    found = latencies([Timing("organizations", 200, one) for one in seconds])
    (result,) = judged(chosen(options), found)
    assert result.outcome is outcome


FAST = [Latency(name, (0.005,), (0.005,)) for name in ("main", "info", "rule", "acks", "clusters")]


@pytest.mark.parametrize(
    ("seconds", "others", "slow"),
    [(0.8, FAST, True), (0.4, FAST, False), (0.8, FAST[:2], False),
     (0.8, [Latency(one.operation, (0.3,), (0.3,)) for one in FAST], False)],
    ids=["slow", "fast enough", "too few others", "all are slow"],
)  # fmt: skip
def test_operation_that_is_slow_while_others_are_fast_fails(
    seconds: float, others: list[Latency], slow: bool
) -> None:
    found = outliers([*others, Latency("report", (seconds,), (seconds,))])
    assert [result.name for result in found] == (["report.others"] if slow else [])


def test_slow_operation_is_asked_for_seconds_only() -> None:
    pace = Pace()
    for name in ("main", "info", "rule"):
        pace.note(name, 0.005)
    pace.note("report", PATIENCE_SECONDS - 1)
    assert pace.left("report") == ""
    pace.note("report", 2.0)
    assert "2 requests took" in pace.left("report")
    # also when it was asked only while data were looked for, of which cases tell no latencies
    assert [result.name for result in left(pace)] == ["report.others"]
    assert pace.left("main") == ""


def test_instance_that_is_slow_everywhere_is_tested() -> None:
    pace = Pace()
    for name in ("main", "info", "rule", "report"):
        pace.note(name, PATIENCE_SECONDS + 1)
    assert pace.left("report") == ""
