"""What the processes of one service ask each other: metrics to add up, and readiness."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .metrics import Metrics

METRICS, READINESS = b"metrics\n", b"readiness\n"
ANSWER_SECONDS = 1.0
SILENT = "the process that consumes does not answer"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Which process of a service this one is; the first one (0) consumes.

    `folder` holds a Unix socket of each. It is not used when there is only one process.
    """

    number: int = 0
    count: int = 1
    folder: Path = field(default_factory=Path)

    def socket(self, number: int) -> str:
        """Return where a process answers the others."""
        return str(self.folder / f"{number}.sock")


class Siblings:
    """One process among those that share a port; alone, it opens nothing and asks nobody."""

    def __init__(
        self, metrics: Metrics, readiness: Callable[[], str], place: Place | None = None
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._place = place or Place()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to answer the others; raise OSError."""
        if self._place.count > 1:
            own = self._place.socket(self._place.number)
            # left by a process of this number that was killed
            Path(own).unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._answer, own)

    async def close(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.close()

    async def readiness(self) -> str:
        """Return why ingest is not at work, or nothing, as the process that consumes knows it."""
        if self._place.number == 0:
            return self._readiness()
        try:
            return str(await self._ask(0, READINESS))
        except (OSError, TimeoutError, ValueError):
            return SILENT

    async def scrape(self) -> bytes:
        """Return the metrics of all processes in Prometheus' text format, added up."""
        others = [n for n in range(self._place.count) if n != self._place.number]
        answers = await asyncio.gather(
            *(self._ask(number, METRICS) for number in others), return_exceptions=True
        )
        heard = []
        for number, answer in zip(others, answers, strict=True):
            if isinstance(answer, BaseException):
                log.warning("metrics without those of process %d: %r", number, answer)
            else:
                heard.append(answer)
        return self._metrics.render(heard)

    async def _ask(self, number: int, question: bytes) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(self._place.socket(number))
            try:
                writer.write(question)
                return json.loads(await reader.read())
            finally:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = await reader.readline()
            said = self._metrics.snapshot() if question == METRICS else self._readiness()
            writer.write(json.dumps(said).encode())
            await writer.drain()
        except OSError as error:
            log.debug("another process went away while it was answered: %s", error)
        finally:
            writer.close()
