"""The program as its users run it: a process with a configuration file, port and log file."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

PREFIX = "/api/insights-results-aggregator/v1/"
# in the style of the Go service's config-devel.toml
TEMPLATE = """
[broker]
addresses = "{brokers}"
security_protocol = ""
topic = "{topic}"
payload_tracker_topic = "{topic}.tracker"
dead_letter_queue_topic = "{topic}.dead"
service_name = "insights-results-aggregator"
group = "{topic}.group"
enabled = true
enable_org_allowlist = false

[server]
address = "127.0.0.1:{port}"
api_prefix = "{prefix}"
api_spec_file = ""
debug = true
auth = false
auth_type = "xrh"
maximum_feedback_message_length = 255
org_overview_limit_hours = 2

[storage_backend]
use = "ocp_recommendations"

[logging]
debug = false
log_level = "warn"
"""
STORAGE = """
[{name}]
db_driver = "postgres"
pg_username = "{user}"
pg_password = "{password}"
pg_host = "{host}"
pg_port = {port}
pg_db_name = "{database}"
pg_params = "sslmode=disable"
log_sql_queries = false
type = "sql"
"""


def free_port() -> int:
    """Return a port that nobody listens on now, and that no other worker process returns.

    It is below the range from which the kernel gives ports to clients.
    """
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: the ports are a cycle")


def _ports_of_worker(first: int = 20_000, count: int = 1_000) -> Iterator[int]:
    """Return the ports of this pytest-xdist worker over and over, from a random one on."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = random.randrange(count)
    return (first + worker * count + (start + number) % count for number in itertools.count())


_ports = _ports_of_worker()


@dataclass
class Program:
    """A configuration file, and the processes started with it."""

    folder: Path
    brokers: str
    topic: str
    database: sa.URL
    port: int = field(default_factory=free_port)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Write the configuration file."""
        text = TEMPLATE.format(
            brokers=self.brokers, topic=self.topic, port=self.port, prefix=PREFIX
        )
        host = self.database.host or self.database.query.get("host")
        for name in ("ocp_recommendations_storage", "dvo_recommendations_storage"):
            text += STORAGE.format(
                name=name,
                user=self.database.username,
                password=self.database.password or "",
                host=host,
                port=self.database.port or 5432,
                database=self.database.database,
            )
        self.file = self.folder / "config.toml"
        self.file.write_text(text)

    async def start(self, *arguments: str, **overrides: str) -> asyncio.subprocess.Process:
        """Start a command; its output goes to a file beside the configuration."""
        environment = os.environ | {
            "INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE": str(self.file),
            **{f"INSIGHTS_RESULTS_AGGREGATOR__{key}": value for key, value in overrides.items()},
        }
        with (self.folder / "program.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aggregator", *arguments,
                env=environment, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    async def kill(self) -> None:
        """Kill the processes that still run, as after a failed test."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def run(self, *arguments: str, **overrides: str) -> int:
        """Run a command to its end; return its exit status."""
        return await (await self.start(*arguments, **overrides)).wait()

    async def serve(self, **overrides: str) -> asyncio.subprocess.Process:
        """Start the service; return when it answers."""
        process = await self.start("start-service", **overrides)
        for _ in range(1200):
            if process.returncode is not None:
                break
            try:
                await self.get("")
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return process
        raise AssertionError((self.folder / "program.log").read_text()[-3000:])

    async def get(self, path: str) -> Any:
        """Return the JSON answer to a GET below the prefix."""
        url = f"http://127.0.0.1:{self.port}{PREFIX}{path}"

        def fetch() -> Any:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.loads(answer.read())

        return await asyncio.to_thread(fetch)


async def stop(process: asyncio.subprocess.Process, number: int = signal.SIGTERM) -> int:
    """Send a signal and wait; return the exit status."""
    process.send_signal(number)
    async with asyncio.timeout(15):
        return await process.wait()


async def until(condition: Any, seconds: float) -> None:
    """Wait for an asynchronous condition; fail when it does not come true in time."""
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.1)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
