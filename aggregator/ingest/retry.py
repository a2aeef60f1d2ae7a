"""Retries with exponential backoff while a dependency is unavailable; consuming pauses."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ..errors import Unavailable
from ..model import utc_now

log = logging.getLogger(__name__)

T = TypeVar("T")

# reasons that are logged in one pause, at most
MAX_REASONS = 5


class BatchAbandoned(Exception):
    """Processing of the current batch ended early; its offsets are not committed."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether consuming is paused, why, and since when (naive UTC)."""

    paused: bool = False
    reason: str = ""
    since: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays in seconds.

    An attempt that runs longer than `slow_after` counts as a pause. `keep_alive` is the interval
    of the polls that keep the consumer in its group during a pause.
    """

    initial_delay: float = 0.1
    max_delay: float = 5.0
    slow_after: float = 5.0
    keep_alive: float = 1.0


class Retrier:
    """Repeats attempts that raise Unavailable, and holds the state of the pause.

    `changed` is called with each new `state`. `keep_alive` is called about once a second during a
    pause, so that the group coordinator does not remove the consumer.
    """

    def __init__(
        self,
        changed: Callable[[State], None] = lambda _: None,
        keep_alive: Callable[[], Awaitable[None]] | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.state = State()
        self._changed = changed
        self._keep_alive = keep_alive
        self._policy = policy or RetryPolicy()
        self._waiting: set[Callable[[], Awaitable[Any]]] = set()
        self._abandoned = asyncio.Event()
        self._stopped = False
        self._logged: set[str] = set()

    def stop(self) -> None:
        """Start no further attempt; a running one may still succeed."""
        self._stopped = True
        if self.state.paused:
            self._abandoned.set()

    def pause(self, reason: str) -> None:
        """Enter the paused state, also when no batch is being processed."""
        since = self.state.since if self.state.paused else utc_now()
        self._enter(State(paused=True, reason=reason, since=since))

    def resume(self) -> None:
        """Leave the paused state."""
        self._enter(State())

    def abandon(self) -> None:
        """Let running attempts and delays raise BatchAbandoned."""
        self._abandoned.set()

    def reset(self) -> None:
        """Accept attempts again after `abandon`."""
        self._abandoned.clear()

    async def retry_until_available(self, attempt: Callable[[], Awaitable[T]], what: str = "") -> T:
        """Return the attempt's result, repeating it while it raises Unavailable.

        `what` names a slow attempt in the reason of the pause. Attempts may run concurrently;
        consuming resumes when none of them is waiting.
        """
        try:
            result = await self._retried(attempt, what)
        finally:
            self._waiting.discard(attempt)
        if not self._waiting:
            self.resume()
        return result

    async def _retried(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        delay = self._policy.initial_delay
        while True:
            try:
                return await self._attempted(attempt, what)
            except Unavailable as error:
                self._waiting.add(attempt)
                self.pause(str(error))
                if self._stopped:
                    raise BatchAbandoned from error
                # jitter, so that consumers do not retry in step
                await self._sleep(delay * random.uniform(0.5, 1.0))
                delay = min(delay * 2, self._policy.max_delay)

    async def _attempted(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        """Run the attempt once; pause while it is slow, without cancelling it."""
        task = asyncio.ensure_future(attempt())
        abandoned = asyncio.ensure_future(self._abandoned.wait())
        either, first = (task, abandoned), asyncio.FIRST_COMPLETED
        try:
            timeout = self._policy.slow_after
            while not (await asyncio.wait(either, timeout=timeout, return_when=first))[0]:
                timeout = self._policy.keep_alive
                self._waiting.add(attempt)
                reason = f"no answer in {self._policy.slow_after:g} s"
                self.pause(f"{what}: {reason}" if what else reason)
                await self._stay_in_group()
            if not task.done():
                raise BatchAbandoned
            return await task
        finally:
            await _cancel(task, abandoned)

    async def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (rest := until - loop.time()) > 0:
            await self._stay_in_group()
            try:
                async with asyncio.timeout(min(rest, self._policy.keep_alive)):
                    await self._abandoned.wait()
            except TimeoutError:
                continue
            raise BatchAbandoned

    async def _stay_in_group(self) -> None:
        if self._keep_alive is not None and not self._abandoned.is_set():
            await self._keep_alive()

    def _enter(self, state: State) -> None:
        changed = state.paused != self.state.paused
        self.state = state
        self._log(state, changed=changed)
        if changed:
            self._changed(state)

    def _log(self, state: State, *, changed: bool) -> None:
        """Log when a pause begins and ends, and each further reason once."""
        if changed and not state.paused:
            log.info("available again, consuming resumes")
            self._logged.clear()
        elif state.paused and state.reason not in self._logged and len(self._logged) < MAX_REASONS:
            log.warning(
                "consuming is %s: %s", "paused" if changed else "still paused", state.reason
            )
            self._logged.add(state.reason)


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    """Cancel the tasks that still run, and wait until they have ended."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
