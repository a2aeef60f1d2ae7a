"""A whole run, as every report needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .latency import Latency
from .probe import InstanceInfo
from .result import Outcome, Result, count

FIRST = "compare.data"
# one reason for all operations that a profile does not have
_ABSENT = re.compile(r"^\w+ does not exist in (?=profile )")


@dataclass(frozen=True, slots=True)
class Summary:
    """What was tested, when, and how it went."""

    url: str
    instance: InstanceInfo
    data: str
    moment: datetime
    seconds: float
    results: Sequence[Result]
    latencies: Sequence[Latency]
    interrupted: bool = False
    command: str = ""

    @property
    def counts(self) -> dict[Outcome, int]:
        """Return how many cases ended how."""
        return count(self.results)

    @property
    def groups(self) -> dict[str, list[Result]]:
        """Return the results by group, in order of their names."""
        found: dict[str, list[Result]] = {}
        for result in sorted(self.results, key=lambda result: result.id):
            found.setdefault(result.group, []).append(result)
        return found

    @property
    def failures(self) -> list[Result]:
        """Return what failed, by name; first that two instances hold different data."""
        failed = [result for result in self.results if result.outcome is Outcome.FAILED]
        return sorted(failed, key=lambda result: (result.id != FIRST, result.id))

    @property
    def known(self) -> list[str]:
        """Return the known defects of the service that were met."""
        return list(dict.fromkeys(text for result in self.results for text in result.known))

    @property
    def reasons(self) -> dict[str, list[Result]]:
        """Return the skipped cases by reason, the most frequent first."""
        found: dict[str, list[Result]] = {}
        for result in self.results:
            if result.outcome is Outcome.SKIPPED:
                reason = _ABSENT.sub("operations that do not exist in ", result.reason)
                found.setdefault(reason, []).append(result)
        return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))

    @property
    def verdict(self) -> str:
        """Return how it went, in one line."""
        numbers = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        stopped = "interrupted; " if self.interrupted else ""
        return f"{stopped}{numbers} in {self.seconds:.1f} s"
