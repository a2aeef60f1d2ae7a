"""How cases ended, and how long their requests took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .client import Exchange


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an operation took, and how it was answered: status and bytes of the body."""

    operation: str
    status: int
    seconds: float
    size: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended; the exchanges are kept of those that failed only.

    `decisive` is how many exchanges there were when it failed: the last of them is what a person
    looks at first, the others belong to the clean-up. `operations` are those that the case names,
    `known` the known defects of the service that it met.
    """

    group: str
    name: str
    sentence: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    timings: tuple[Timing, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    decisive: int = 0
    kind: int = 0
    operations: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the name of the case with its group."""
        return f"{self.group}.{self.name}"


def count(results: Iterable[Result]) -> dict[Outcome, int]:
    """Return how many cases ended how."""
    found = dict.fromkeys(Outcome, 0)
    for result in results:
        found[result.outcome] += 1
    return found
