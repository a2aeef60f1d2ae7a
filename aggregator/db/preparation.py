"""Check of the schema versions at start, retried while a database is unavailable."""

from __future__ import annotations

import asyncio
import logging
import random

from ..errors import Unavailable
from .storage import SqlHealth

# seconds that the start waits, and the pauses between attempts
HOLD_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0

log = logging.getLogger(__name__)


class Preparation:
    """Checks the schema versions, retrying until each database is available.

    A SQLite file that cannot be opened is a permanent error. Only one of several processes sets
    `reported`, so that the wait is logged once.
    """

    def __init__(self, health: SqlHealth, *, reported: bool = True) -> None:
        self._health = health
        self._reported = reported
        self._unavailable = asyncio.Event()
        self._checking: asyncio.Task[None] | None = None

    async def begin(self) -> bool:
        """Return True if the schemas match, False if a database is unavailable.

        Raise SchemaMismatch or ConfigError.
        """
        self._checking = asyncio.create_task(self._check())
        unavailable = asyncio.create_task(self._unavailable.wait())
        await asyncio.wait(
            (self._checking, unavailable),
            timeout=HOLD_SECONDS if self._health.on_servers else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        unavailable.cancel()
        if not self._checking.done():
            return False
        await self._checking
        return True

    async def finish(self) -> None:
        """Wait until the schemas match; raise SchemaMismatch or ConfigError."""
        if self._checking is not None:
            await self._checking

    def stop(self) -> None:
        """Cancel the check."""
        if self._checking is not None:
            self._checking.cancel()

    async def _check(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._health.require_latest()
                break
            except Unavailable as error:
                if not self._health.on_servers:
                    raise
                self._report(error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
        if self._unavailable.is_set() and self._reported:
            log.info("the database is available")

    def _report(self, error: Unavailable) -> None:
        if self._reported and not self._unavailable.is_set():
            log.warning("waiting for the database: %s", error)
        self._unavailable.set()
