"""The status document: ingest, dependencies, workers and REST figures of all processes.

Only the first process composes it, when it is asked; nothing runs while nobody asks.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from aiokafka.errors import KafkaError

from ..config.options import Config
from ..ingest.consumer import ConsumerStatus
from ..metrics import Metrics, Snapshot
from ..model import utc_now
from . import figures
from .dependencies import Dependencies
from .recorder import STEP_SECONDS, STEPS, Recorder

# several processes may ask in the same second
FRESH_SECONDS = 0.8
REFRESH_SECONDS = 2.0
FIRST_REFRESH_SECONDS = 1.0
LAG_SECONDS = 2.0
WINDOW_SECONDS = 60.0
_MEMORY, _CPU, _START = (
    "process_resident_memory_bytes",
    "process_cpu_seconds",
    "process_start_time_seconds",
)


class Snapshots(Protocol):
    """The processes of the service."""

    async def snapshots(self) -> tuple[Snapshot, Mapping[int, Snapshot]]:
        """Return what ended workers counted, and the snapshot of each running one by number."""


class IngestStatus(Protocol):
    """The consumers of the first process."""

    def status(self) -> list[ConsumerStatus]:
        """Return the state of each consumer."""

    async def lag(self) -> dict[str, dict[int, int]]:
        """Return the messages not handled yet by topic and partition, as the broker knows."""


class Status:
    """Composes the document, and keeps what rates are computed of: totals of the last minute."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        processes: Snapshots,
        ingest: IngestStatus,
        recorder: Recorder,
        dependencies: Dependencies,
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._processes = processes
        self._ingest = ingest
        self._recorder = recorder
        self._dependencies = dependencies
        self._started_at = utc_now()
        self._window: deque[figures.Totals] = deque()
        self._rest: deque[tuple[int, int]] = deque(maxlen=STEPS)
        self._lag: dict[str, dict[int, int]] = {}
        self._lag_known = False
        self._refreshed_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._composing: asyncio.Task[str] | None = None
        self._composed_at = 0.0

    async def document(self) -> str:
        """Return the document as JSON text; composed at most about once a second."""
        now = time.monotonic()
        if self._composing is None or (
            self._composing.done() and now - self._composed_at >= FRESH_SECONDS
        ):
            self._composed_at = now
            self._composing = asyncio.create_task(self._compose())
        return await asyncio.shield(self._composing)

    async def close(self) -> None:
        """Cancel what is running."""
        running = [task for task in (self._refreshing, self._composing) if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _compose(self) -> str:
        await self._refresh()
        ended, workers = await self._processes.snapshots()
        totals = figures.Totals(at=time.monotonic())
        own: Snapshot = []
        for piece in self._metrics.pieces():
            own += piece
            await asyncio.sleep(0)
        for snapshot in (ended, own, *workers.values()):
            for family in snapshot:
                totals.add([family], self._config.metrics.namespace)
            await asyncio.sleep(0)
        before = self._note(totals)
        document = {
            "now": _iso(utc_now()),
            "started": _iso(self._started_at),
            "ingest": self._ingest_document(totals, before),
            "dependencies": self._dependencies.documents(),
            "workers": [_worker(0, own), *(_worker(n, one) for n, one in sorted(workers.items()))],
            "rest": self._rest_document(totals, before),
            "invalid": self._recorder.invalid(),
        }
        return orjson.dumps(document).decode()

    def _note(self, totals: figures.Totals) -> figures.Totals:
        """Keep the totals; return those of a minute ago, or of the first look since then."""
        window = self._window
        while window and totals.at - window[0].at > WINDOW_SECONDS:
            window.popleft()
        window.append(totals)
        step, requests = int(time.time()) // STEP_SECONDS, int(sum(totals.requests.values()))
        if not self._rest or self._rest[-1][0] != step:
            self._rest.append((step, requests))
        # the first look has only what was counted since the start
        return window[0] if len(window) > 1 else figures.Totals()

    async def _refresh(self) -> None:
        """Ask dependencies and broker in the background; only the first look waits for it."""
        now = time.monotonic()
        if self._refreshing is None or self._refreshing.done():
            if now - self._refreshed_at < REFRESH_SECONDS:
                return
            first = self._refreshing is None
            self._refreshed_at = now
            self._refreshing = asyncio.create_task(self._ask())
            if first:
                await asyncio.wait((self._refreshing,), timeout=FIRST_REFRESH_SECONDS)

    async def _ask(self) -> None:
        await asyncio.gather(self._dependencies.refresh(self._ingest.status()), self._ask_for_lag())

    async def _ask_for_lag(self) -> None:
        try:
            async with asyncio.timeout(LAG_SECONDS):
                self._lag = await self._ingest.lag()
            self._lag_known = True
        except (KafkaError, TimeoutError, OSError):
            # the last known lag stays
            self._lag_known = False

    def _ingest_document(self, now: figures.Totals, before: figures.Totals) -> dict[str, Any]:
        batches = figures.difference(now.batches, before.batches)
        return {
            "enabled": self._config.broker.enabled,
            "consumers": [_consumer(one) for one in self._ingest.status()],
            "series": self._recorder.series(),
            "totals": {name: int(count) for name, count in now.counters.items()},
            "kinds": {kind: int(count) for kind, count in sorted(now.kinds.items())},
            "lag": [
                {"topic": topic, "partition": partition, "lag": lag}
                for topic, partitions in sorted(self._lag.items())
                for partition, lag in sorted(partitions.items())
            ],
            "lag_known": self._lag_known,
            "batch": {
                **figures.quantiles(batches),
                "count": int(batches.get(float("inf"), 0)),
            },
            "window": round(now.at - before.at) if before.at else None,
        }

    def _rest_document(self, now: figures.Totals, before: figures.Totals) -> dict[str, Any]:
        recent = [
            (one.at, sum(one.requests.values())) for one in self._window if now.at - one.at <= 10
        ]
        return {
            "rate": figures.rate(recent),
            "endpoints": figures.endpoints(now, before),
            "window": round(now.at - before.at) if before.at else None,
            "series": self._rest_series(),
        }

    def _rest_series(self) -> dict[str, Any]:
        """Return requests by step; None where nobody looked."""
        last = int(time.time()) // STEP_SECONDS
        counts = dict(self._rest)
        steps = range(last - STEPS + 1, last + 1)
        pairs = ((counts.get(step), counts.get(step + 1)) for step in steps)
        return {
            "step": STEP_SECONDS,
            "until": (last + 1) * STEP_SECONDS,
            "requests": [
                None if first is None or then is None else then - first for first, then in pairs
            ],
        }


def _consumer(one: ConsumerStatus) -> dict[str, Any]:
    state = "paused" if one.state.paused else "consuming" if one.assigned else "joining"
    return {
        "topic": one.topic,
        "group": one.group,
        "state": state,
        "reason": one.state.reason,
        "since": _iso(one.state.since) if one.state.since else None,
    }


def _worker(number: int, snapshot: Snapshot) -> dict[str, Any]:
    found = figures.gauges(snapshot, (_MEMORY, _CPU, _START))
    return {
        "number": number,
        "memory": found.get(_MEMORY),
        "cpu_seconds": found.get(_CPU),
        "started": found.get(_START),
    }


def _iso(at: Any) -> str:
    return f"{at.isoformat(timespec='milliseconds')}Z"
