"""Measures how late the event loop runs callbacks that are due."""

from __future__ import annotations

import asyncio

from prometheus_client import Histogram

PERIOD_SECONDS = 0.25


class LoopLag:
    """Observes the lag of a timer four times a second, in seconds.

    That is how long a callback, such as one that begins a request, may wait while another one runs.
    """

    def __init__(self, observed: Histogram) -> None:
        self._observed = observed
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Set the timer on the running loop."""
        self._set(asyncio.get_running_loop())

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + PERIOD_SECONDS
        self._timer = loop.call_at(due, self._observe, loop, due)

    def _observe(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._observed.observe(max(0.0, loop.time() - due))
        self._set(loop)
