"""IPC between worker processes: merges their metrics and shares the first one's readiness.

Each worker inherits one end of a socket pair and the first process keeps the other, so nothing
needs a path. The first process holds the totals: the last snapshot of each worker, and the sums of
workers that have ended. Metrics are always rendered by the first process, so
that no counter is ever lower in a later scrape.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Unavailable
from ..metrics import (
    Metrics,
    Snapshot,
    cumulative,
    merged,
)
from .channel import Channel

# messages: the first process requests a snapshot; workers answer, and push one periodically
ASK, ANSWER, PUSH = "ask", "answer", "push"
# a worker requests one of these, the first process replies
METRICS, READINESS, STATUS, REPLY = "metrics", "readiness", "status", "reply"
ANSWER_SECONDS = 1.0
# longer than the first process waits for others
REPLY_SECONDS = 3.0
PUSH_SECONDS = 1.0
SILENT = "the process that consumes does not answer"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSlot:
    """Which process of a service this is: 0 is the first, which consumes; the others are workers.

    `fd` is a worker's end of the socket pair.
    """

    number: int = 0
    count: int = 1
    fd: int = -1


class FirstProcess:
    """The first process, or the only one; without workers it opens nothing."""

    def __init__(self, metrics: Metrics, readiness: Callable[[], str]) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._workers: set[_Worker] = set()
        self._serving: set[asyncio.Task[None]] = set()
        # counters and histograms of workers that have ended
        self._ended: Snapshot = []
        self._status: Callable[[], Awaitable[str]] = _no_status

    async def open(self, _ended: Callable[[], None]) -> None:
        """Do nothing: workers are added one by one."""

    async def close(self) -> None:
        """Close the connections to all workers."""
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def readiness(self) -> str:
        """Return why ingest is not running; empty if it runs or is disabled."""
        return self._readiness()

    async def scrape(self) -> bytes:
        """Return the metrics of all processes in Prometheus' text format, added up."""
        ended, workers = await self.snapshots()
        return self._metrics.render([one for one in (ended, *workers.values()) if one])

    def provide_status(self, status: Callable[[], Awaitable[str]]) -> None:
        """Set what returns the dashboard's status document."""
        self._status = status

    async def status(self) -> str:
        """Return the dashboard's status document."""
        return await self._status()

    async def snapshots(self) -> tuple[Snapshot, dict[int, Snapshot]]:
        """Return what ended workers counted, and the snapshot of each running one by number.

        A worker that does not answer in time counts with its last snapshot.
        """
        asked = {answer: worker for worker in self._workers if (answer := worker.ask())}
        if asked:
            _, late = await asyncio.wait(asked, timeout=ANSWER_SECONDS)
            for answer in late:
                asked[answer].note_silence()
        return self._ended, {one.number: one.last for one in self._workers}

    def note_restart(self) -> None:
        """Count a worker that has ended unexpectedly."""
        self._metrics.worker_restarts.inc()

    async def add(self, number: int, sock: socket.socket) -> None:
        """Serve the worker at the other end of this socket until it ends."""
        worker = _Worker(number, await Channel.open(sock))
        self._workers.add(worker)
        self._run(self._serve(worker))

    async def _serve(self, worker: _Worker) -> None:
        try:
            while True:
                kind, *rest = await worker.channel.receive()
                if kind in (ANSWER, PUSH):
                    worker.note_snapshot(*rest, answer=kind == ANSWER)
                else:
                    # in a separate task: the reply may need an answer of this worker
                    self._run(self._reply(worker.channel, kind, *rest))
        except EOFError:
            pass
        finally:
            worker.close()
            self._workers.discard(worker)
            self._ended = merged([self._ended, cumulative(worker.last)])

    async def _reply(self, channel: Channel, kind: str, number: int) -> None:
        if kind == METRICS:
            text = (await self.scrape()).decode()
        else:
            text = await self._status() if kind == STATUS else self._readiness()
        channel.send(REPLY, number, text)

    def _run(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)


async def _no_status() -> str:
    raise Unavailable("the dashboard is off (server.dashboard)")


class _Worker:
    """A worker as seen by the first process: its connection and last snapshot."""

    def __init__(self, number: int, channel: Channel) -> None:
        self.channel = channel
        self.last: Snapshot = []
        self.number = number
        self._asked: asyncio.Future[None] | None = None
        self._silent = False

    def ask(self) -> asyncio.Future[None] | None:
        """Request a snapshot; return a future to wait for.

        It is None for a worker that has not started yet, or did not answer the last time.
        """
        if self._silent or not self.last:
            return None
        if self._asked is None:
            self._asked = asyncio.get_running_loop().create_future()
            self.channel.send(ASK)
        return self._asked

    def note_snapshot(self, snapshot: Snapshot, *, answer: bool) -> None:
        """Keep the latest snapshot."""
        self.last = snapshot
        if answer and self._asked is not None:
            self._asked.set_result(None)
            self._asked = None
            if self._silent:
                self._silent = False
                log.info("worker %d answers again", self.number)

    def note_silence(self) -> None:
        """Record that the worker did not answer in time."""
        if self._asked is not None and not self._silent:
            self._silent = True
            log.warning(
                "worker %d does not answer; its last metrics count until it does", self.number
            )

    def close(self) -> None:
        """Close the connection and resolve the pending request."""
        self.channel.close()
        if self._asked is not None:
            self._asked.set_result(None)
            self._asked = None


class WorkerProcess:
    """A worker; it requests metrics and readiness of all processes from the first one."""

    def __init__(self, metrics: Metrics, fd: int) -> None:
        self._metrics = metrics
        self._fd = fd
        self._channel: Channel | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._numbers = itertools.count()
        self._replies: dict[int, asyncio.Future[str]] = {}

    async def open(self, ended: Callable[[], None]) -> None:
        """Connect to the first process; `ended` is called when it has exited."""
        channel = self._channel = await Channel.open(socket.socket(fileno=self._fd))
        serving = asyncio.create_task(self._serve(channel))
        serving.add_done_callback(lambda _: ended())
        self._tasks = [serving, asyncio.create_task(self._push(channel))]

    async def close(self) -> None:
        """Send the final counts to the first process and close the connection."""
        if self._channel is None:
            return
        self._channel.send(PUSH, self._metrics.snapshot())
        await self._channel.flush(ANSWER_SECONDS)
        for task in self._tasks:
            task.cancel()
        self._channel.close()

    async def readiness(self) -> str:
        """Return why ingest is not running, from the first process; empty if it runs."""
        try:
            return await self._request(READINESS, ANSWER_SECONDS)
        except Unavailable:
            return SILENT

    async def scrape(self) -> bytes:
        """Return the metrics of all processes; raise Unavailable if the first does not answer.

        The metrics of this process alone would look to Prometheus like reset counters.
        """
        return (await self._request(METRICS, REPLY_SECONDS)).encode()

    async def status(self) -> str:
        """Return the dashboard's status document; raise Unavailable without an answer."""
        return await self._request(STATUS, REPLY_SECONDS)

    async def _request(self, kind: str, seconds: float) -> str:
        if self._channel is None:
            raise Unavailable("not connected to the first process")
        number = next(self._numbers)
        reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        self._channel.send(kind, number)
        try:
            async with asyncio.timeout(seconds):
                return await reply
        except TimeoutError as error:
            raise Unavailable("the first process does not answer") from error
        finally:
            del self._replies[number]

    async def _serve(self, channel: Channel) -> None:
        try:
            while True:
                kind, *rest = await channel.receive()
                if kind == ASK:
                    channel.send(ANSWER, self._metrics.snapshot())
                elif rest[0] in self._replies:
                    self._replies[rest[0]].set_result(rest[1])
        except EOFError:
            return

    async def _push(self, channel: Channel) -> None:
        """Push the metrics once a second, so that little is lost if this process is killed."""
        sent = -1
        while True:
            if sent != self._metrics.finished_requests and not channel.backlog:
                sent = self._metrics.finished_requests
                channel.send(PUSH, self._metrics.snapshot())
            await asyncio.sleep(PUSH_SECONDS)


Processes = FirstProcess | WorkerProcess


def processes(metrics: Metrics, readiness: Callable[[], str], slot: WorkerSlot) -> Processes:
    """Return the IPC endpoint of the process in this slot."""
    return WorkerProcess(metrics, slot.fd) if slot.number else FirstProcess(metrics, readiness)
