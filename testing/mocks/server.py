"""`python -m testing.mocks.server`: mock server of the REST API in memory, with canned clusters."""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import signal
import sys
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from aggregator.build import info
from aggregator.config.options import Config, ServerConfig
from aggregator.handlers.app import application, listen
from aggregator.handlers.incoming import Found
from aggregator.handlers.rendering import render
from aggregator.handlers.router import ApiApplication
from aggregator.metrics import Metrics
from aggregator.storage import Storage

from ..fixtures import fixtures_dir
from ..seed import Seed, SeedError
from .canned import (
    FORBIDDEN,
    canned_clusters,
    changed,
    demanded_status,
    is_forbidden,
    quarter,
)
from .clock import Now, RisingClock, real_time
from .loader import Loader
from .storage import memory_storage
from .watch import Watch

# the branch in `/info`, so that nobody takes the mock for the service
MOCK = "mock server"
PREFIX = "/api/insights-results-aggregator/v1/"
# the sample data is never too old to be listed
ALWAYS_HOURS = 24 * 365 * 100


class _Ready:
    """An instance of one process that consumes nothing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def readiness(self) -> str:
        """Return nothing: there is nothing to wait for."""
        return ""

    async def scrape(self) -> bytes:
        """Return the metrics of this process."""
        return self._metrics.render()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; return the exit status."""
    options = _options(argv)
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:
        pass
    except SeedError as error:
        print(f"mock server: --seed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mock server: port {options.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with mock_server(
        options.port,
        options.prefix,
        seed=Seed.read(options.seed),
        latency=options.latency / 1000,
        errors=options.errors,
    ) as url:
        print(f"Mock of insights-results-aggregator: {url} (Ctrl-C ends it)", flush=True)
        await stop.wait()


@asynccontextmanager
async def mock_server(
    port: int = 0,
    prefix: str = PREFIX,
    *,
    seed: Seed | None = None,
    clock: Now = real_time,
    server: ServerConfig | None = None,
    latency: float = 0.0,
    errors: float = 0.0,
) -> AsyncIterator[str]:
    """Serve on the loopback interface, port 0 is any free one; give the URL with the prefix.

    `seed` is served beside the canned clusters. `clock` (naive UTC) tells the turn of those that
    change. `server` has the other settings, as authentication; without it the debug endpoints
    are on. Each answer takes `latency` seconds longer; the share `errors` (0 to 1) of them is a
    500. Raise OSError when the port is taken.
    """
    async with memory_storage(RisingClock(clock)) as storage:
        loader = Loader(storage.reports, storage.dvo, storage.consumer_errors)
        for known in (canned_clusters(), seed or Seed()):
            await loader.fill(known.messages())
        changing = _Changing(storage, clock)
        watched = Watch(changing.turn, remember=False).over(storage)
        settings = replace(
            server or ServerConfig(debug=True),
            address=f"localhost:{port}",
            api_prefix=prefix,
            org_overview_limit_hours=ALWAYS_HOURS,
        )
        config = Config(server=settings)
        ocp, dvo = await storage.health.schema_versions()
        told = {**info(), "BuildBranch": MOCK, "OCP_DB_version": ocp, "DVO_DB_version": dvo}
        metrics = Metrics()
        unreliable = {"latency": latency, "errors": errors}
        kind = type("_Unreliable", (_CannedNames,), unreliable)
        app = application(config, watched, metrics, told, _Ready(metrics), kind)
        http, bound = await listen(app, settings)
        try:
            yield f"http://localhost:{bound}{prefix}"
        finally:
            await http.close(1)


class _Changing:
    """Stores the reports of the changing clusters when their quarter of an hour begins."""

    def __init__(self, storage: Storage, clock: Now) -> None:
        self._loader = Loader(storage.reports, storage.dvo, storage.consumer_errors)
        self._clock = clock
        self._stored = datetime.min
        self._storing = asyncio.Lock()

    async def turn(self) -> None:
        """Store the reports of this quarter, unless they are there."""
        async with self._storing:
            now = self._clock()
            if quarter(now) > self._stored:
                await self._loader.fill(changed(now))
                self._stored = quarter(now)


class _CannedNames(ApiApplication):
    """Answers paths that name a status with that status; all others like the service.

    Clients that must cope with a slow or failing service are tested with `latency` and `errors`.
    """

    latency = 0.0
    errors = 0.0

    def find(self, request: HTTPServerRequest) -> Found:
        """Return the handler of a request."""
        status = demanded_status(request.path)
        if status is None and random.random() < self.errors:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        if status is None:
            found = super().find(request)
        else:
            found = Found(_StatusHandler, {"status": int(status)}, final=True)
        if not self.latency:
            return found
        handler = _late(cast(Hashable, found.handler), self.latency)
        return replace(found, handler=handler)


@cache
def _late(handler: Any, seconds: float) -> type[RequestHandler]:
    """Return a handler that waits before it answers."""

    async def prepare(self: RequestHandler) -> None:
        await asyncio.sleep(seconds)
        handler.prepare(self)

    return type(handler.__name__, (handler,), {"prepare": prepare})


class _StatusHandler(RequestHandler):
    """Answers with the status that was asked for, whatever the method."""

    def initialize(self, status: int, incoming: object) -> None:
        """Take the status; the body changes nothing."""
        self._status = status

    def prepare(self) -> None:
        """Answer."""
        try:
            phrase = HTTPStatus(self._status).phrase
        except ValueError:
            phrase = "Unknown"
        self.set_status(self._status, phrase)
        if self._status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.finish()
        else:
            ok = self._status < HTTPStatus.MULTIPLE_CHOICES
            self.set_header("Content-Type", "application/json; charset=utf-8")
            reason = FORBIDDEN if is_forbidden(self.request.path) else phrase
            self.finish(render({"status": "ok" if ok else reason}))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testing.mocks.server",
        description="Serve the whole REST API with sample data that is gone afterwards.",
    )
    parser.add_argument("--port", type=_port, default=8080, help="0 is any free one; default 8080")
    parser.add_argument("--prefix", type=_prefix, default=PREFIX, help=f"default {PREFIX}")
    parser.add_argument(
        "--seed",
        type=Path,
        default=fixtures_dir() / "seed.json",
        metavar="FILE",
        help="a seed file to serve beside the clusters that testers know; default the shipped one",
    )
    parser.add_argument(
        "--latency",
        type=_milliseconds,
        default=0.0,
        metavar="MS",
        help="milliseconds that each answer takes longer",
    )
    parser.add_argument(
        "--errors", type=_share, default=0.0, metavar="2%", help="share of answers that are a 500"
    )
    return parser.parse_args(argv)


def _milliseconds(text: str) -> float:
    try:
        value = float(text.removesuffix("ms"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60_000:
        raise argparse.ArgumentTypeError(f"0 to 60000 milliseconds expected, not '{text}'")
    return value


def _share(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    value = float(match[1]) / 100 if match else -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"0% to 100% expected, not '{text}'")
    return value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"0 to 65535 expected, not '{text}'")
    return int(text)


def _prefix(text: str) -> str:
    if not re.fullmatch(r"/([\w.-]+/)*", text):
        raise argparse.ArgumentTypeError(f"a path with a slash at both ends expected, not '{text}'")
    return text


if __name__ == "__main__":
    sys.exit(main())
