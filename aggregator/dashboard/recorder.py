"""What ingest did lately: messages in steps of five seconds, the last invalid messages.

Ingest calls it once a batch; nothing here has a timer.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from ..ingest.batch import Outcome
from ..model import utc_now, well_formed

STEP_SECONDS = 5
# fifteen minutes
STEPS = 180
INVALID_KEPT = 50
FOLLOWED_KEPT = 2000
LONGEST_REASON = 500
LONGEST_NAME = 256

Place = tuple[str, int, int]


class Recorder:
    """Counts messages by step and keeps the last invalid ones.

    With `follow` it also keeps the outcome of the last messages by topic, partition and offset.
    """

    def __init__(self, *, follow: bool = False) -> None:
        # (number of the step since 1970, messages, invalid ones), ascending
        self._steps: deque[list[int]] = deque(maxlen=STEPS)
        self._invalid: deque[dict[str, Any]] = deque(maxlen=INVALID_KEPT)
        self._number = 0
        self._follow = follow
        self._outcomes: OrderedDict[Place, dict[str, Any]] = OrderedDict()
        self._waiting: dict[Place, list[asyncio.Future[dict[str, Any]]]] = {}

    def processed(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Take the outcomes of a batch that is stored, and whose dead letters are sent."""
        invalid = [outcome for outcome in outcomes if outcome.invalid]
        self._count(len(outcomes), len(invalid))
        for outcome in invalid:
            self._number += 1
            self._invalid.append({"number": self._number, **_described(outcome)})
        if self._follow:
            for outcome in outcomes:
                self._keep(outcome, seconds)

    def _count(self, messages: int, invalid: int) -> None:
        step = int(time.time()) // STEP_SECONDS
        if not self._steps or self._steps[-1][0] != step:
            self._steps.append([step, 0, 0])
        self._steps[-1][1] += messages
        self._steps[-1][2] += invalid

    def _keep(self, outcome: Outcome, seconds: float) -> None:
        record = outcome.record
        place = (record.topic, record.partition, record.offset)
        self._outcomes[place] = found = {
            **_described(outcome),
            "state": _state(outcome),
            "warnings": list(outcome.warnings),
            "decode_and_store_seconds": outcome.seconds,
            "batch_seconds": seconds,
        }
        if len(self._outcomes) > FOLLOWED_KEPT:
            self._outcomes.popitem(last=False)
        for waiting in self._waiting.pop(place, ()):
            if not waiting.done():
                waiting.set_result(found)

    async def outcome(self, place: Place, seconds: float) -> dict[str, Any] | None:
        """Return what became of a message, waiting for it; None if it is not handled in time."""
        if place in self._outcomes:
            return self._outcomes[place]
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, []).append(waiting)
        try:
            async with asyncio.timeout(seconds):
                found: dict[str, Any] = await waiting
                return found
        except TimeoutError:
            return None
        finally:
            others = self._waiting.get(place, [])
            if waiting in others:
                others.remove(waiting)
            if not others:
                self._waiting.pop(place, None)

    def series(self) -> dict[str, Any]:
        """Return the messages of each step of the last fifteen minutes, oldest first."""
        last = int(time.time()) // STEP_SECONDS
        counts = {step: (messages, invalid) for step, messages, invalid in self._steps}
        steps = [counts.get(step, (0, 0)) for step in range(last - STEPS + 1, last + 1)]
        return {
            "step": STEP_SECONDS,
            "until": (last + 1) * STEP_SECONDS,
            "messages": [messages for messages, _ in steps],
            "invalid": [invalid for _, invalid in steps],
        }

    def invalid(self) -> list[dict[str, Any]]:
        """Return the last invalid messages, newest first."""
        return list(reversed(self._invalid))


def _described(outcome: Outcome) -> dict[str, Any]:
    record, envelope = outcome.record, outcome.envelope
    return {
        "at": utc_now().isoformat() + "Z",
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "kind": outcome.kind,
        "reason": well_formed(outcome.error[:LONGEST_REASON]),
        "organization": envelope.org,
        "cluster": well_formed(envelope.cluster[:LONGEST_NAME]),
        "request_id": well_formed(envelope.request_id[:LONGEST_NAME]),
    }


def _state(outcome: Outcome) -> str:
    if outcome.invalid:
        return "invalid"
    if outcome.empty:
        return "empty"
    return "stored" if outcome.stored else "older"
