"""The processes beside the first one, which share its port: how many, started, watched, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path

from .config import Config, StorageConfig
from .errors import ConfigError
from .siblings import Place

# what one writer, one database and one machine of usual size can keep busy
MOST_BY_DEFAULT = 4
PAUSE_SECONDS = 1.0
STOP_SECONDS = 5.0
QUOTA = Path("/sys/fs/cgroup/cpu.max")

log = logging.getLogger(__name__)


def wanted(config: Config, cores: int | None = None) -> int:
    """Return how many processes are to serve; raise ConfigError where they could not share.

    By default (`server.workers` 0) one a core where the database is PostgreSQL, else one.
    """
    asked = config.server.workers
    sections = (config.ocp_recommendations_storage, config.dvo_recommendations_storage)
    databases = [section for section in sections if section.type == "sql"]
    if asked == 0:
        shared = bool(databases) and all(one.db_driver == "postgres" for one in databases)
        return min(cores or available_cores(), MOST_BY_DEFAULT) if shared else 1
    if asked > 1 and any(_in_memory(one) for one in databases):
        raise ConfigError(f"server.workers: {asked} processes cannot share a database in memory")
    return asked


def _in_memory(section: StorageConfig) -> bool:
    source = section.sqlite_datasource
    return section.db_driver == "sqlite3" and (":memory:" in source or "mode=memory" in source)


def available_cores(quota: Path = QUOTA) -> int:
    """Return the cores that this process may use: a container's share, not the machine's all."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        most, period = quota.read_text().split()
        return max(1, min(cores, int(most) // int(period)))
    except (OSError, ValueError):
        # no such file, or "max" in it
        return cores


class Workers:
    """Keeps the processes 1, 2 ... of a service running; each serves, and none consumes.

    A worker ends by itself when its standard input does, so none outlives a killed first one.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stopping = asyncio.Event()
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    def start(self, port: int) -> None:
        """Start the others, which bind the port of this one."""
        self._keepers = [
            asyncio.create_task(self._keep(number, port)) for number in range(1, self._place.count)
        ]

    async def stop(self) -> None:
        """End them all, the slow ones by force."""
        self._stopping.set()
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if not self._keepers:
            return
        _, late = await asyncio.wait(self._keepers, timeout=STOP_SECONDS)
        if late:
            for process in self._processes.values():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await asyncio.wait(late, timeout=STOP_SECONDS)

    async def _keep(self, number: int, port: int) -> None:
        while not self._stopping.is_set():
            process = await self._spawn(number, port)
            self._processes[number] = process
            if self._stopping.is_set():
                process.terminate()
            status = await process.wait()
            if not self._stopping.is_set():
                log.error("process %d ended with %d and is started again", number, status)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE_SECONDS)

    async def _spawn(self, number: int, port: int) -> asyncio.subprocess.Process:
        place = self._place
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aggregator", "start-worker",
            str(port), str(number), str(place.count), str(place.folder),
            stdin=asyncio.subprocess.PIPE,
            # Ctrl-C at a terminal is for the first one, which tells the others
            start_new_session=True,
        )  # fmt: skip
