"""Slow operations: one that takes seconds while others take milliseconds is reported and left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

SLOW_SECONDS = 0.5
# a slow operation may take so long in all, so that a run ends within a minute
PATIENCE_SECONDS = 15.0
# how much slower than the others; a busy instance is slow everywhere
TIMES = 20.0
LEAST = 3


@dataclass
class Pace:
    """The seconds that each operation took in this process."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, operation: str, seconds: float) -> None:
        """Take the time of a request."""
        self.seconds.setdefault(operation, []).append(seconds)

    def left(self, operation: str) -> str:
        """Return why an operation is not asked any more, "" if it is."""
        slow = [one for one in self.seconds.get(operation, ()) if one > SLOW_SECONDS]
        if sum(slow) < PATIENCE_SECONDS:
            return ""
        others = self._others(operation)
        return told(self.seconds[operation], others) if is_slow(slow, others) else ""

    def _others(self, operation: str) -> list[float]:
        return [median(taken) for name, taken in self.seconds.items() if name != operation]


def is_slow(taken: Sequence[float], others: Sequence[float]) -> bool:
    """Return True if an operation is slow while others, by their medians, are fast."""
    if not taken or len(others) < LEAST:
        return False
    return median(taken) > max(SLOW_SECONDS, TIMES * median(others))


def told(taken: Sequence[float], others: Sequence[float]) -> str:
    """Return how slow an operation is."""
    return (
        f"{len(taken)} requests took {median(taken):.2f} s each, those of other operations "
        f"{median(others):.3f} s"
    )
