"""The whole service for one's desk: database, broker and messages come with it."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from testing.messages import ocp_messages
from testing.mocks.broker import Broker

from ..db.engine import connect
from ..db.migrations import DVO, OCP, migrate
from ..errors import AggregatorError
from ..ingest.kafka import producer
from ..ingest.sender import Sender
from ..service import Service
from .produce import read, send

if TYPE_CHECKING:
    from ..config import Config, StorageConfig

FIXTURES = Path(__file__).parents[2] / "fixtures" / "messages" / "ocp"
PREFIX = "/api/insights-results-aggregator/v1/"
TOPIC = "ccx.ocp.results"
SEED = 1
READY_SECONDS = 60
# a folder may be kept for weeks, and its clusters shall still be listed
ALWAYS_HOURS = 24 * 365 * 100


@dataclass(frozen=True, slots=True)
class Sample:
    """A cluster of the fixtures: something to ask for."""

    organization: int
    cluster: str
    hits: int

    @property
    def report(self) -> str:
        """Return the path of its report, below the prefix."""
        return f"organizations/{self.organization}/clusters/{self.cluster}/users/ann/report"


def run(config: Config, argv: Sequence[str]) -> int:
    """Serve until Ctrl-C; return the exit status."""
    options = _options(argv)
    console = Console(highlight=False)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        with _folder(options.data) as folder, Broker() as broker:
            broker.create_topic(TOPIC, partitions=1)
            ours = dev_config(config, folder, broker.address, options.port)
            asyncio.run(_serve(ours, options.rate, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.")
        return 0
    except (AggregatorError, OSError) as error:
        console.print(f"dev: {error}", markup=False)
        return 1
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="insights-results-aggregator dev",
        description="Serve the API with sample data; no database and no broker are needed.",
    )
    parser.add_argument("--data", metavar="DIR", help="keep the database here (else it is lost)")
    parser.add_argument("--port", type=int, default=8080, help="of the API; 0 is any free one")
    parser.add_argument(
        "--rate", type=float, default=1.0, help="messages a second after the fixtures; 0 for none"
    )
    return parser.parse_args(argv)


@contextmanager
def _folder(named: str | None) -> Iterator[Path]:
    if named is None:
        with tempfile.TemporaryDirectory(prefix="insights-results-aggregator-") as fresh:
            yield Path(fresh)
        return
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def dev_config(config: Config, folder: Path, brokers: str, port: int) -> Config:
    """Return the configuration with everything replaced that would need a server."""
    return replace(
        config,
        broker=replace(
            config.broker,
            enabled=True,
            addresses=(brokers,),
            security_protocol="",
            topic=TOPIC,
            payload_tracker_topic="",
            dead_letter_queue_topic="",
            enable_org_allowlist=False,
        ),
        server=replace(
            config.server,
            address=f"localhost:{port}",
            api_prefix=PREFIX,
            debug=True,
            auth=False,
            org_overview_limit_hours=ALWAYS_HOURS,
        ),
        ocp_recommendations_storage=_sqlite(config.ocp_recommendations_storage, folder),
        dvo_recommendations_storage=_sqlite(config.dvo_recommendations_storage, folder),
        storage_backend=replace(config.storage_backend, use=("ocp_recommendations",)),
    )


def _sqlite(section: StorageConfig, folder: Path) -> StorageConfig:
    file = str(folder / "aggregator.db")
    return replace(
        section, type="sql", db_driver="sqlite3", sqlite_datasource=file, pg_read_host=""
    )


async def _serve(config: Config, rate: float, console: Console) -> None:
    """Bring everything up in order, then feed messages until the task is cancelled."""
    began = time.monotonic()
    _cancel_on_signals()
    fixtures = list(read(str(FIXTURES))) if FIXTURES.is_dir() else []
    async with AsyncExitStack() as stack:
        with console.status("Preparing the database ...") as status:
            await _migrate(config)
            sender = Sender(producer(config.broker))
            stack.push_async_callback(sender.stop)
            await sender.start()
            status.update("Starting the service ...")
            service = Service(config)
            stack.push_async_callback(service.stop)
            await service.start()
            status.update(f"Sending {len(fixtures)} messages through Kafka ...")
            await send(sender, TOPIC, fixtures)
            await _until_readable(service.port, samples(fixtures))
        _say_hello(console, service.port, samples(fixtures), time.monotonic() - began)
        feed = asyncio.create_task(_trickle(sender, rate, console))
        stack.callback(feed.cancel)
        await service.wait()


def _cancel_on_signals() -> None:
    """Let Ctrl-C and SIGTERM unwind this task, whatever it is at."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _migrate(config: Config) -> None:
    engine = connect(config.ocp_recommendations_storage)
    try:
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
    finally:
        await engine.dispose()


def samples(messages: Sequence[bytes]) -> list[Sample]:
    """Return the clusters that the messages speak of, those with most rule hits first."""
    found: dict[str, Sample] = {}
    for message in map(json.loads, messages):
        sample = Sample(message["OrgID"], message["ClusterName"], len(message["Report"]["reports"]))
        found.setdefault(sample.cluster, sample)
    return sorted(found.values(), key=lambda sample: -sample.hits)


async def _until_readable(port: int, wanted: Sequence[Sample]) -> None:
    """Wait until the reports of all these clusters can be read."""
    client = AsyncHTTPClient()
    async with asyncio.timeout(READY_SECONDS):
        for sample in wanted:
            while not await _readable(client, f"{_base(port)}{sample.report}"):
                await asyncio.sleep(0.05)


async def _readable(client: AsyncHTTPClient, url: str) -> bool:
    try:
        await client.fetch(url)
    except HTTPClientError:
        return False
    return True


def _base(port: int) -> str:
    return f"http://localhost:{port}{PREFIX}"


def _say_hello(console: Console, port: int, wanted: Sequence[Sample], seconds: float) -> None:
    base = _base(port)
    console.print(f"[bold green]Ready[/] after {seconds:.1f} seconds: {base}\n\nTry:\n")
    paths = ["organizations"]
    for sample in wanted[:1]:
        paths += [f"organizations/{sample.organization}/clusters", sample.report]
    for path in paths:
        console.print(f"  curl {base}{path}", soft_wrap=True, markup=False)
    console.print("\nCtrl-C ends it.")


async def _trickle(sender: Sender, rate: float, console: Console) -> None:
    """Send realistic messages for ever, as clusters that are checked just now."""
    if rate <= 0:
        return
    pause = timedelta(seconds=1 / rate)
    messages = ocp_messages(SEED, start=datetime.now(UTC), step=pause)
    with console.status("") as status:
        for count, message in enumerate(messages, start=1):
            status.update(f"{count} further messages, {rate:g} a second")
            await send(sender, TOPIC, [message])
            await asyncio.sleep(pause.total_seconds())
