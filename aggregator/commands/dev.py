"""`dev`: runs the service with its own database, Kafka broker and generated messages."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.log import app_log

from testing.fixtures import fixtures_dir, shipped_messages
from testing.messages import dvo_messages, ocp_messages
from testing.packages import MissingPackage

from ..dashboard.tools import Tools
from ..db.engine import connect
from ..db.inspection import rows_of_cluster
from ..db.migrations import DVO, OCP, migrate
from ..errors import AggregatorError, CannotListen, Unavailable
from ..ingest.kafka.factory import producer
from ..ingest.kafka.producer import Sender
from ..service import Service
from . import arguments, dev_output
from .produce import send

JsonObject = dict[str, Any]

if TYPE_CHECKING:
    from ..config.options import Config, StorageConfig

PREFIX = "/api/insights-results-aggregator/v1/"
OCP_TOPIC = "ccx.ocp.results"
DVO_TOPIC = "ccx.dvo.results"
DEAD_LETTER_TOPIC = "ccx.aggregator.dead.letter.queue"
INVALID = "messages/bad/organization_absent.json"
# that of the broker in a configuration without `broker.addresses`: commands find it by themselves
BROKER_PORT = 29092
SEED = 1
LAST_PORT = 65535
# a test tool sleeps between two messages, and no clock is finer
FASTEST = 1000
READY_SECONDS = 60
# a folder may be kept for weeks, and its clusters shall still be listed
ALWAYS_HOURS = 24 * 365 * 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Serve the API with sample data until Ctrl-C; no database and no broker are needed.",
        "dev",
        "dev --port 8081 --data ./data --rate 5",
        status="Exit status: 0 ended with Ctrl-C, 1 failure, 2 wrong usage or configuration.",
    )
    parser.add_argument(
        "--data", metavar="DIR", help="keep the database in this folder (default: it is deleted)"
    )
    parser.add_argument(
        "--port", type=_port, default=8080, metavar="N",
        help="of the API; 0 is any free one (default: 8080)",
    )  # fmt: skip
    parser.add_argument(
        "--broker-port", type=_port, metavar="N",
        help=f"of the broker; 0 is any free one (default: {BROKER_PORT}, or a free one if that is "
        "in use)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_rate, default=1.0, metavar="N",
        help="messages a second after the sample messages; 0 for none (default: 1)",
    )  # fmt: skip


def run(config: Config, options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return the exit status."""
    console = Console(highlight=False)
    dev_output.log_to(console)
    try:
        from testing.mocks.broker import Broker

        with _folder(options.data) as folder, Broker() as broker:
            for topic in (OCP_TOPIC, DVO_TOPIC, DEAD_LETTER_TOPIC):
                broker.create_topic(topic, partitions=1)
            ours = dev_config(config, folder, broker.address, options.port)
            asyncio.run(_serve(ours, options, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.")
        return 0
    except (AggregatorError, MissingPackage, OSError) as error:
        console.print(f"dev: {error}", markup=False, soft_wrap=True)
        return 1
    return 0


def _port(text: str) -> int:
    port = arguments.natural(text)
    if port > LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port expected (0 to {LAST_PORT}), not {text!r}")
    return port


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1
    if not 0 <= rate <= FASTEST:
        raise argparse.ArgumentTypeError(f"a number expected (0 to {FASTEST}), not {text!r}")
    return rate


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
            topic=OCP_TOPIC,
            dvo_topic=DVO_TOPIC,
            payload_tracker_topic="",
            dead_letter_queue_topic=DEAD_LETTER_TOPIC,
            # whoever tries invalid messages sends nothing else
            dead_letter_max_ratio=0,
            dead_letter_max_consecutive=0,
            enable_org_allowlist=False,
        ),
        server=replace(
            config.server,
            address=f"localhost:{port}",
            api_prefix=PREFIX,
            debug=True,
            dashboard=True,
            auth=False,
            org_overview_limit_hours=ALWAYS_HOURS,
        ),
        ocp_recommendations_storage=_sqlite(config.ocp_recommendations_storage, folder),
        dvo_recommendations_storage=_sqlite(config.dvo_recommendations_storage, folder),
        storage_backend=replace(
            config.storage_backend, use=("ocp_recommendations", "dvo_recommendations")
        ),
    )


def _sqlite(section: StorageConfig, folder: Path) -> StorageConfig:
    file = str(folder / "aggregator.db")
    return replace(
        section, type="sql", db_driver="sqlite3", sqlite_datasource=file, pg_read_host=""
    )


async def _serve(config: Config, options: argparse.Namespace, console: Console) -> None:
    """Bring everything up in order, then feed messages until the task is cancelled."""
    _cancel_on_signals()
    ocp, dvo = ([*shipped_messages(kind).values()] for kind in ("ocp", "dvo"))
    async with AsyncExitStack() as stack:
        with console.status("Preparing the database ...") as status:
            brokers = await stack.enter_async_context(
                _broker_address(config.broker.addresses[0], options.broker_port)
            )
            await _migrate(config)
            sender = Sender(producer(config.broker))
            stack.push_async_callback(sender.stop)
            await sender.start()
            status.update("Starting the service ...")
            engine = connect(config.ocp_recommendations_storage)
            stack.push_async_callback(engine.dispose)
            tools = Tools(samples(), partial(rows_of_cluster, engine))
            service = Service(config, tools=tools)
            stack.push_async_callback(service.stop)
            await service.start()
            status.update(f"Sending {len(ocp) + len(dvo)} messages through Kafka ...")
            await send(sender, OCP_TOPIC, ocp)
            await send(sender, DVO_TOPIC, dvo)
            await _until_readable(service.port, [*reports(ocp), *workloads(dvo)])
        origin = _origin(service.port)
        paths = [PREFIX + path for path in proposals(ocp, dvo)]
        dev_output.greet(console, origin, brokers, paths, _commands(config, origin, brokers))
        # not before: fixtures have oddities that deserve a warning, but not here
        logging.getLogger().setLevel(logging.WARNING)
        feed = asyncio.create_task(_trickle(sender, options.rate, console))
        stack.callback(feed.cancel)
        await service.wait()


def _cancel_on_signals() -> None:
    """Let Ctrl-C and SIGTERM unwind this task, whatever it is at."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 for mypy: the caller is a coroutine
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _migrate(config: Config) -> None:
    engine = connect(config.ocp_recommendations_storage)
    try:
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
    finally:
        await engine.dispose()


def samples() -> dict[str, bytes]:
    """Return the shipped messages by kind and situation, such as `ocp/five_hits`."""
    return {
        f"{kind}/{name}": message
        for kind in ("ocp", "dvo", "bad")
        for name, message in shipped_messages(kind).items()
    }


def reports(messages: Sequence[bytes]) -> list[str]:
    """Return the paths of the clusters' reports, those with most rule hits first.

    Of several messages of one cluster the newest counts, and of those the first, as in storage.
    """
    newest: dict[str, JsonObject] = {}
    for message in map(json.loads, messages):
        kept = newest.setdefault(message["ClusterName"], message)
        if message["LastChecked"] > kept["LastChecked"]:
            newest[message["ClusterName"]] = message
    return [
        f"organizations/{message['OrgID']}/clusters/{cluster}/users/ann/report"
        for cluster, message in sorted(newest.items(), key=lambda item: -_hits(item[1]))
    ]


def _hits(message: JsonObject) -> int:
    return len(message["Report"]["reports"])


def workloads(messages: Sequence[bytes]) -> list[str]:
    """Return the paths of the workloads of the organizations that DVO messages tell of."""
    return [
        f"organization/{message['OrgID']}/workloads"
        for message in map(json.loads, messages)
        if message["Metrics"].get("workload_recommendations")
    ]


def proposals(ocp: Sequence[bytes], dvo: Sequence[bytes]) -> list[str]:
    """Return paths that show something, for a first look."""
    lists = [f"{path.partition('/clusters/')[0]}/clusters" for path in reports(ocp)]
    return ["organizations", *lists[:1], *reports(ocp)[:1], *workloads(dvo)[:1]]


async def _until_readable(port: int, paths: Sequence[str]) -> None:
    """Wait until all these paths show something."""
    client = AsyncHTTPClient()
    # Ctrl-C may cut off a request, which is nobody's error
    app_log.disabled = True
    try:
        async with asyncio.timeout(READY_SECONDS):
            for path in paths:
                while not await _readable(client, _origin(port) + PREFIX + path):
                    await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise Unavailable(f"{path} shows nothing after {READY_SECONDS} seconds") from error
    app_log.disabled = False


async def _readable(client: AsyncHTTPClient, url: str) -> bool:
    try:
        await client.fetch(url)
    except HTTPClientError:
        return False
    return True


def _origin(port: int) -> str:
    return f"http://localhost:{port}"


@asynccontextmanager
async def _broker_address(target: str, port: int | None) -> AsyncIterator[str]:
    """Give the broker's address at the wanted port; raise OSError if it is in use.

    Without a wish it is the usual port, or any free one.
    """
    from testing.mocks.forwarder import forwarded

    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(
                forwarded(target, BROKER_PORT if port is None else port)
            )
        except OSError as error:
            if port is not None:
                raise CannotListen(f"cannot listen on 'localhost:{port}': {error}") from error
            address = await stack.enter_async_context(forwarded(target, 0))
        yield address


def _commands(config: Config, origin: str, brokers: str) -> list[str]:
    """Return commands that reach this broker, of which the first makes a dead letter."""
    program, broker = dev_output.program(), f"--broker {brokers}"
    invalid = dev_output.short(fixtures_dir() / INVALID)
    groups = [f"--group {config.broker.group}"] if config.broker.group != "aggregator" else []
    source = f"kafka://{brokers}/{OCP_TOPIC}?dvo={DVO_TOPIC}"
    python = dev_output.short(Path(sys.executable))
    return [
        f"{program} produce {broker} --topic {OCP_TOPIC} {invalid}",
        " ".join([f"{program} lag {broker} --topic {OCP_TOPIC}", *groups]),
        f"{program} replay {broker} --from {DEAD_LETTER_TOPIC} --dry-run",
        f"{python} -m testing.rest_suite --url {origin} --data '{source}'",
    ]


async def _trickle(sender: Sender, rate: float, console: Console) -> None:
    """Send realistic messages for ever, as clusters that are checked just now."""
    if rate <= 0:
        return
    with console.status("") as status:
        for count, (topic, message) in enumerate(_further(rate), start=1):
            status.update(f"{count} further messages, {rate:g} a second")
            await send(sender, topic, [message])
            await asyncio.sleep(1 / rate)


def _further(rate: float) -> Iterator[tuple[str, bytes]]:
    """Yield messages of both kinds in turn, with the times at which they will be sent."""
    now, step = datetime.now(UTC), timedelta(seconds=2 / rate)
    messages = ocp_messages(SEED, start=now, step=step), dvo_messages(SEED, start=now, step=step)
    for ocp, dvo in zip(*messages, strict=False):
        yield OCP_TOPIC, ocp
        yield DVO_TOPIC, dvo
