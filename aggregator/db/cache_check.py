"""Check of Redis at start, retried until it answers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from ..errors import Unavailable

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0

log = logging.getLogger(__name__)


class CacheCheck:
    """Logs why Redis cannot be used, before the first message needs it.

    A wrong host, password or database index would otherwise be seen at the first write.
    """

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check
        self._reason = "redis: not connected yet"
        self._task: asyncio.Task[None] | None = None

    def readiness(self) -> str:
        """Return why Redis has not answered yet; empty once it has."""
        return self._reason

    def start(self) -> None:
        """Begin to check, in the background."""
        self._task = asyncio.create_task(self._until_available())

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    async def _until_available(self) -> None:
        pause, waiting = FIRST_PAUSE, False
        while True:
            try:
                await self._check()
                break
            except Unavailable as error:
                self._reason = str(error)
            if not waiting:
                waiting = True
                log.warning("waiting for Redis: %s", self._reason)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
        self._reason = ""
        log.info("Redis is available")
