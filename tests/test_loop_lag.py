"""The lag of the event loop is how late a timer runs."""

from __future__ import annotations

import asyncio
from typing import Any

from aggregator.loop_lag import PERIOD_SECONDS, LoopLag
from aggregator.metrics import Metrics


class Loop:
    """A loop whose clock is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Any, *args: Any) -> asyncio.TimerHandle:
        self.calls.append((when, callback, args))
        return asyncio.TimerHandle(when, callback, args, asyncio.get_running_loop())

    def run(self, late: float) -> None:
        when, callback, args = self.calls.pop()
        self.now = when + late
        callback(*args)


async def test_the_lag_of_each_period_is_observed() -> None:
    metrics, loop = Metrics(), Loop()
    lag = LoopLag(metrics.loop_lag_seconds)
    lag._set(loop)  # type: ignore[arg-type]
    assert loop.calls[0][0] == 100.0 + PERIOD_SECONDS
    for late in (0.0, 0.75, 0.002):
        loop.run(late)
    lines = metrics.render().decode().splitlines()
    assert "loop_lag_seconds_count 3.0" in lines
    assert 'loop_lag_seconds_bucket{le="0.5"} 2.0' in lines
    assert 'loop_lag_seconds_bucket{le="1.0"} 3.0' in lines


async def test_a_stopped_timer_observes_nothing() -> None:
    lag = LoopLag(Metrics().loop_lag_seconds)
    lag.stop()
    lag.start()
    lag.stop()
    assert lag._timer is not None
    assert lag._timer.cancelled()
