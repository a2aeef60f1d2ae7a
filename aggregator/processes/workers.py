"""Worker processes that share the port: computes their number, starts, restarts, stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..config.options import Config, StorageConfig, section_names
from ..errors import ConfigError
from .channel import frame, read_frame
from .ipc import FirstProcess

# what one writer, one database and one machine of usual size can keep busy
MOST_BY_DEFAULT = 4
PAUSE_SECONDS = 1.0
STOP_SECONDS = 5.0
CGROUP = Path("/sys/fs/cgroup")
# quota and period, of version 2 in one file; -1 is no quota
QUOTA_FILES = (
    ("cpu.max",),
    ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ("cpu,cpuacct/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_period_us"),
)

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


def available_cores(cgroup: Path = CGROUP) -> int:
    """Return the cores that this process may use: a container's share, not the machine's all."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    share = _quota(cgroup)
    return cores if share is None else max(1, min(cores, int(share)))


def _quota(cgroup: Path) -> float | None:
    """Return the CPU quota in cores: cgroup version 2, else version 1; nothing without a quota."""
    for files in QUOTA_FILES:
        try:
            quota, period = (int(n) for name in files for n in (cgroup / name).read_text().split())
        except (OSError, ValueError):
            # no such file, or "max" in it
            continue
        if quota > 0 and period > 0:
            return quota / period
    return None


class Workers:
    """Keeps the workers 1, 2 ... of a service running; each serves, and none consumes.

    A worker ends by itself when the socket to the first process is closed, so none outlives that.
    """

    def __init__(self, config: Config, count: int, first: FirstProcess) -> None:
        self._config = config
        self._count = count
        self._first = first
        self._stopping = asyncio.Event()
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    def start(self, port: int) -> None:
        """Start the workers, which bind the port of this process."""
        self._keepers = [
            asyncio.create_task(self._keep(number, port)) for number in range(1, self._count)
        ]

    def send_signal(self, number: int) -> None:
        """Send a signal to all workers that run."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

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
            try:
                process = await self._spawn(number, port)
                self._processes[number] = process
                if self._stopping.is_set():
                    process.terminate()
                ended = f"exited with status {await process.wait()}"
            except OSError as error:
                ended = f"cannot be started: {error}"
            if not self._stopping.is_set():
                log.error("worker %d %s; restarting it", number, ended)
                self._first.note_restart()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE_SECONDS)

    async def _spawn(self, number: int, port: int) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        with theirs:
            # it fits into the socket's buffer, and the worker reads it before all else
            ours.sendall(frame(_document(self._config)))
            await self._first.add(number, ours)
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aggregator", "start-worker",
                str(port), str(number), str(self._count), str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C at a terminal is for the first process, which stops the workers
                start_new_session=True,
            )  # fmt: skip


def inherited_config(argv: Sequence[str]) -> Config:
    """Return the configuration that the first process sends to a worker; raise ConfigError.

    So a worker that is restarted needs no file, and what a file says is reported once.
    """
    try:
        return _config(read_frame(int(argv[3])))
    except (IndexError, ValueError, TypeError, OSError, EOFError) as error:
        raise ConfigError(
            "start-worker is for the service itself; see server.workers, and use start-service"
        ) from error


def _document(config: Config) -> dict[str, Any]:
    return {name: asdict(getattr(config, name)) for name in section_names()}


def _config(document: dict[str, dict[str, Any]]) -> Config:
    sections = {
        name: replace(
            getattr(Config(), name),
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in values.items()
            },
        )
        for name, values in document.items()
    }
    return replace(Config(), **sections)
