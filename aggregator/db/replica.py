"""Reads on a replica, which fall back to the primary while the replica is unavailable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import sqlalchemy as sa

from .driver import Driver
from .failures import is_of_record, is_rolled_back, reason

log = logging.getLogger(__name__)

# a host that does not answer, or a pooler that waits for it, must not use up a request's time
ANSWER_SECONDS = 3.0
PROBE_SECONDS = 2.0


class ReplicaReader:
    """Executes reads on a replica; the primary is the fallback.

    The primary answers a read that the replica failed, and all reads after it until the replica
    can execute that same statement again. It is tried in the background, so that no read waits for
    a host that does not answer, and a replica that has not yet replayed a migration counts as
    unavailable. A read that was cancelled because it conflicts with replication is the only one
    that goes to the primary.
    """

    def __init__(self, replica: Driver, primary: Driver) -> None:
        self._replica = replica
        self._primary = primary
        self._probe: asyncio.Task[None] | None = None

    async def rows(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the statement's rows; raise the driver's error if both servers fail."""
        if self._probe is not None:
            return await self._primary.rows(statement, values)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._replica.rows(statement, values)
        except Exception as error:
            if is_of_record(error):
                raise
            if not is_rolled_back(error):
                self._fall_back(statement, values, error)
        return await self._primary.rows(statement, values)

    async def parts(
        self, statement: sa.Executable, values: Mapping[str, Any], size: int
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Yield the statement's rows; a replica that fails after the first ones is an error."""
        begun = False
        if self._probe is None:
            try:
                async with aclosing(self._replica.parts(statement, values, size)) as reading:
                    async for rows in reading:
                        begun = True
                        yield rows
            except Exception as error:
                if begun or is_of_record(error):
                    raise
                if not is_rolled_back(error):
                    self._fall_back(statement, values, error)
            else:
                return
        async with aclosing(self._primary.parts(statement, values, size)) as reading:
            async for rows in reading:
                yield rows

    async def close(self) -> None:
        """Stop trying the replica."""
        if self._probe is not None:
            self._probe.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probe

    def _fall_back(
        self, statement: sa.Executable, values: Mapping[str, Any], error: Exception
    ) -> None:
        # another read that was in flight may have failed first
        if self._probe is None:
            log.warning(
                "the read replica is unavailable, reads go to the primary: %s", reason(error)
            )
            self._probe = asyncio.create_task(self._until_available(statement, values))

    async def _until_available(self, statement: sa.Executable, values: Mapping[str, Any]) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            with contextlib.suppress(Exception):
                await self._replica.rows(statement, values)
                break
        log.warning("reads go to the read replica again")
        self._probe = None
