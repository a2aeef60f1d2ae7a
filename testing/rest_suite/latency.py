"""How long operations take, and the budgets that they must keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from .contract import OPERATIONS
from .pace import Pace, is_slow, told
from .probe import UsageError
from .result import Outcome, Result, Timing

GROUP = "budget"
OFF = "off"
MEGABYTE = 1_000_000
_BUDGET = re.compile(r"(?:(\w+):)?(p\d{1,2}|max)=(\d+(?:\.\d+)?)(ms|s)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Latency:
    """The seconds that requests of one operation took, ascending.

    `eased` are the same for each megabyte of those answers that are larger than one.
    """

    operation: str
    seconds: tuple[float, ...]
    eased: tuple[float, ...] = ()

    def at(self, measure: str, *, eased: bool = False) -> float:
        """Return a measure, as p95 (nearest rank) or max; eased without the slowest one."""
        share = 100 if measure == "max" else int(measure[1:])
        number = len(self.seconds)
        rank = max(1, min(ceil(number * share / 100), number - eased))
        return (self.eased if eased else self.seconds)[rank - 1]


@dataclass(frozen=True, slots=True)
class Budget:
    """What an operation may take (each of them when none is named), as p95 in 0.5 seconds."""

    measure: str
    seconds: float
    operation: str = ""
    eased: bool = False

    def judge(self, latency: Latency) -> Result:
        """Return whether an operation keeps it."""
        took = latency.at(self.measure, eased=self.eased)
        kept = took <= self.seconds
        return Result(
            group=GROUP,
            name=f"{latency.operation}.{self.measure}",
            sentence=f"{latency.operation} keeps {self.measure} within {shown(self.seconds)}",
            outcome=Outcome.PASSED if kept else Outcome.FAILED,
            reason=""
            if kept
            else f"{self.measure} of {len(latency.seconds)} requests is {shown(took)}"
            f"{' a megabyte' * self.eased}, allowed are {shown(self.seconds)}",
        )


# what nobody would wait for, yet a slow line or a busy machine keeps; who lists ten thousand
# namespaces, some megabytes, waits longer, and one answer may have met a checkpoint
DEFAULT = Budget("p95", 1.0, eased=True)


def parse(text: str) -> Budget:
    """Return the budget of an option, as p95=500ms or report:max=2s; raise UsageError."""
    found = _BUDGET.fullmatch(text)
    if not found:
        raise UsageError(f"--budget: p95=500ms, max=2s or report:p95=200ms expected, not '{text}'")
    operation, measure, number, unit = found.groups()
    if operation and operation not in OPERATIONS:
        raise UsageError(f"--budget: there is no operation '{operation}'")
    return Budget(measure, float(number) / (1000 if unit == "ms" else 1), operation or "")


def chosen(texts: Sequence[str]) -> list[Budget]:
    """Return the budgets of the options: a generous one when there are none, none when off."""
    if list(texts) == [OFF]:
        return []
    return [parse(text) for text in texts] or [DEFAULT]


def latencies(timings: Iterable[Timing]) -> list[Latency]:
    """Return the latency of each operation that was answered, by name."""
    found: dict[str, list[Timing]] = {}
    for timing in timings:
        if timing.operation in OPERATIONS and timing.status:
            found.setdefault(timing.operation, []).append(timing)
    return [_latency(name, found[name]) for name in sorted(found)]


def _latency(name: str, timings: Sequence[Timing]) -> Latency:
    return Latency(
        name,
        tuple(sorted(timing.seconds for timing in timings)),
        tuple(sorted(timing.seconds / max(1.0, timing.size / MEGABYTE) for timing in timings)),
    )


def judged(budgets: Sequence[Budget], found: Sequence[Latency]) -> list[Result]:
    """Return a result for each budget and operation; a budget of an operation beats a general."""
    results = []
    for latency in found:
        own = {b.measure: b for b in budgets if b.operation == latency.operation}
        general = {b.measure: b for b in budgets if not b.operation}
        results += [budget.judge(latency) for budget in {**general, **own}.values()]
    return results


def outliers(found: Sequence[Latency]) -> list[Result]:
    """Return a failure for each operation that is slow while the others are fast."""
    results = []
    for latency in found:
        others = [one.at("p50") for one in found if one is not latency]
        if is_slow(latency.eased, others):
            results.append(_outlier(latency.operation, told(latency.seconds, others)))
    return results


def left(pace: Pace) -> list[Result]:
    """Return a failure for each operation that is not asked any more because it is slow."""
    reasons = {name: pace.left(name) for name in OPERATIONS}
    return [_outlier(name, f"{text}; not asked any more") for name, text in reasons.items() if text]


def _outlier(operation: str, reason: str) -> Result:
    return Result(
        group=GROUP,
        name=f"{operation}.others",
        sentence=f"{operation} is as fast as the other operations",
        outcome=Outcome.FAILED,
        reason=reason,
    )


def shown(seconds: float) -> str:
    """Return seconds for people."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
