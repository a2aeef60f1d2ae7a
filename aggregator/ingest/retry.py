"""Waiting for a dependency that is away: try again, tell the others, never give a message up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

# how many reasons of one pause are logged
REASONS = 5


class GivenUp(Exception):
    """The batch in hand is not finished here; uncommitted, it will come again."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether consuming waits, and for what."""

    paused: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: the first wait, the longest, how long an attempt may last before it is told."""

    first: float = 0.1
    longest: float = 5.0
    patience: float = 5.0
    keep_alive: float = 1.0


class Backpressure:
    """Repeats what fails for want of a dependency.

    `changed` hears of every change of `state`; `keep_alive` is called about once a second while
    waiting, so that the group does not take the consumer for dead.
    """

    def __init__(
        self,
        changed: Callable[[State], None] = lambda _: None,
        keep_alive: Callable[[], Awaitable[None]] | None = None,
        waits: Waits | None = None,
    ) -> None:
        self.state = State()
        self._changed = changed
        self._keep_alive = keep_alive
        self._waits = waits or Waits()
        self._waiting: set[Callable[[], Awaitable[Any]]] = set()
        self._leaving = asyncio.Event()
        self._final = False
        self._told: set[str] = set()

    def stop(self) -> None:
        """Repeat nothing any more; an attempt under way may still end well."""
        self._final = True
        if self.state.paused:
            self._leaving.set()

    def pause(self, reason: str) -> None:
        """Say that consuming waits, though nothing is in hand."""
        self._enter(State(paused=True, reason=reason))

    def go_on(self) -> None:
        """Say that consuming waits no more."""
        self._enter(State())

    def give_up(self) -> None:
        """End the present wait, if there is one, with GivenUp."""
        self._leaving.set()

    def begin(self) -> None:
        """Forget that an earlier batch was given up."""
        self._leaving.clear()

    async def insist(self, attempt: Callable[[], Awaitable[T]], what: str = "") -> T:
        """Return what the attempt gives, repeating it while it raises Unavailable.

        `what` names it in the reason while there is no answer. Several attempts may be under way;
        consuming goes on when none of them waits.
        """
        try:
            result = await self._repeated(attempt, what)
        finally:
            self._waiting.discard(attempt)
        if not self._waiting:
            self.go_on()
        return result

    async def _repeated(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        wait = self._waits.first
        while True:
            try:
                return await self._watched(attempt, what)
            except Unavailable as error:
                self._waiting.add(attempt)
                self.pause(str(error))
                if self._final:
                    raise GivenUp from error
                # half of it at random, so that many consumers do not come back in step
                await self._sleep(wait * random.uniform(0.5, 1.0))
                wait = min(wait * 2, self._waits.longest)

    async def _watched(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        """Run the attempt; one that lasts too long counts as waiting, but goes on."""
        task = asyncio.ensure_future(attempt())
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            first = asyncio.FIRST_COMPLETED
            patience = self._waits.patience
            while not (await asyncio.wait((task, leaving), timeout=patience, return_when=first))[0]:
                patience = self._waits.keep_alive
                self._waiting.add(attempt)
                silence = f"no answer in {self._waits.patience:g} s"
                self.pause(f"{what}: {silence}" if what else silence)
                await self._stay()
            if not task.done():
                raise GivenUp
            return await task
        finally:
            await _end(task, leaving)

    async def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (rest := until - loop.time()) > 0:
            await self._stay()
            try:
                async with asyncio.timeout(min(rest, self._waits.keep_alive)):
                    await self._leaving.wait()
            except TimeoutError:
                continue
            raise GivenUp

    async def _stay(self) -> None:
        if self._keep_alive is not None and not self._leaving.is_set():
            await self._keep_alive()

    def _enter(self, state: State) -> None:
        changed = state.paused != self.state.paused
        self.state = state
        self._tell(state, changed=changed)
        if changed:
            self._changed(state)

    def _tell(self, state: State, *, changed: bool) -> None:
        """Log the beginning and the end of a pause, and each other reason that comes up once."""
        if changed and not state.paused:
            log.info("available again, consuming goes on")
            self._told.clear()
        elif state.paused and state.reason not in self._told and len(self._told) < REASONS:
            log.warning(
                "consuming is %s: %s", "paused" if changed else "still paused", state.reason
            )
            self._told.add(state.reason)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what still runs, and wait until it has ended."""
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
