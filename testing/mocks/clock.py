"""Clocks for tests: a frozen one that tests advance, and a strictly increasing one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]

BEGIN = datetime(2026, 1, 1)


def real_time() -> datetime:
    """Return the time of day as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


class Clock:
    """A frozen clock; calling it returns its time as naive UTC."""

    def __init__(self, now: datetime = BEGIN) -> None:
        self._now = _naive(now)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move on, or back by a negative step; return the new time."""
        self._now += step
        return self._now

    def set(self, now: datetime) -> None:
        """Show this time from now on; without a zone it is UTC."""
        self._now = _naive(now)


class RisingClock:
    """Wraps a clock so that each call returns a later time."""

    def __init__(self, clock: Now = real_time) -> None:
        self._clock = clock
        self._last = datetime.min

    def __call__(self) -> datetime:
        self._last = max(self._clock(), self._last + timedelta(microseconds=1))
        return self._last


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
