"""States of database, broker, Redis and payload tracker, and since when they are so.

They are asked only while somebody looks; what ingest waits for is known without asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..config.options import Config
from ..errors import AggregatorError
from ..ingest.consumer import ConsumerStatus
from ..model import utc_now

ASK_SECONDS = 3.0
UP, DOWN, OFF, UNKNOWN = "up", "down", "off", "unknown"
LONGEST_REASON = 500


@dataclass
class Dependency:
    """A state; `exact` if its beginning was seen, else it may have been so for longer."""

    name: str
    state: str = UNKNOWN
    reason: str = ""
    since: datetime | None = None
    exact: bool = False

    def enter(self, state: str, reason: str = "", since: datetime | None = None) -> None:
        """Note the state now, which began at `since` if that is known."""
        self.reason = reason[:LONGEST_REASON]
        if state != self.state:
            self.exact = since is not None or self.since is not None
            self.state, self.since = state, since or utc_now()

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "since": self.since.isoformat() + "Z" if self.since else None,
            "exact": self.exact,
        }


class Dependencies:
    """All dependencies of a service, by its configuration.

    `ask` has a coroutine for each that can be asked, which raises when it is unavailable.
    """

    def __init__(self, config: Config, ask: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self._config = config
        self._ask = ask
        self._all = {name: Dependency(name) for name in ("database", "broker", "redis", "tracker")}

    async def refresh(self, consumers: Sequence[ConsumerStatus]) -> None:
        """Ask those that can be asked, and read the others out of what ingest waits for."""
        await asyncio.gather(*(self._asked(name) for name in self._ask))
        self._read(consumers)

    async def _asked(self, name: str) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await self._ask[name]()
        except TimeoutError:
            self._all[name].enter(DOWN, f"no answer in {ASK_SECONDS:g} s")
        except (AggregatorError, OSError) as error:
            self._all[name].enter(DOWN, str(error))
        else:
            self._all[name].enter(UP)

    def _read(self, consumers: Sequence[ConsumerStatus]) -> None:
        for name in ("database", "redis"):
            if name not in self._ask:
                self._all[name].enter(OFF)
        broker, tracker = self._all["broker"], self._all["tracker"]
        topic = self._config.broker.payload_tracker_topic
        if not self._config.broker.enabled:
            broker.enter(OFF)
            tracker.enter(OFF)
            return
        waiting = [one for one in consumers if one.state.paused and _of_broker(one.state.reason)]
        of_tracker = [one for one in waiting if topic and _of_tracker(one.state.reason, topic)]
        of_broker = [one for one in waiting if one not in of_tracker]
        assigned = [one for one in consumers if one.assigned]
        self._enter(broker, of_broker, known=bool(assigned))
        if topic:
            self._enter(tracker, of_tracker, known=bool(assigned) and not of_broker)
        else:
            tracker.enter(OFF)

    @staticmethod
    def _enter(one: Dependency, waiting: Sequence[ConsumerStatus], *, known: bool) -> None:
        if waiting:
            first = min(waiting, key=lambda each: each.state.since or utc_now())
            one.enter(DOWN, first.state.reason, first.state.since)
        else:
            one.enter(UP if known else UNKNOWN)

    def documents(self) -> list[dict[str, Any]]:
        """Return all of them for JSON."""
        return [one.document() for one in self._all.values()]


def _of_broker(reason: str) -> bool:
    return reason.startswith("broker")


def _of_tracker(reason: str, topic: str) -> bool:
    return reason.startswith("broker: payload tracker") or f"topic '{topic}'" in reason
