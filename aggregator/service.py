"""Composition root: constructs storage, server and consumers, starts and stops them in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from . import build
from .config.options import Config
from .db import storage as sql
from .db.cache_check import CacheCheck
from .db.preparation import Preparation
from .errors import CannotListen, ConfigError
from .handlers.app import application, claim, listen
from .handlers.router import ApiApplication, Route
from .handlers.server import HttpServer
from .ingest.consumers import Ingest
from .loop_lag import LoopLag
from .metrics import Metrics
from .processes.ipc import WorkerSlot, processes
from .processes.memory import HeapTrimmer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .dashboard.assembly import Dashboard
    from .dashboard.tools import Tools
    from .db.cache import RedisReports
    from .tracing import Tracing

# ten seconds in all: for the current batch, for running requests, for closing connections
INGEST_STOP_SECONDS, SERVER_STOP_SECONDS, CLOSE_SECONDS = 6.5, 1.0, 2.5


class Service:
    """One process: the REST server and, where the broker is enabled, the consumers.

    `slot` is its number among the processes that share the port; `tools` are for the dashboard of
    `dev`.
    """

    def __init__(
        self, config: Config, slot: WorkerSlot | None = None, tools: Tools | None = None
    ) -> None:
        self._config = config
        self._slot = slot or WorkerSlot()
        self._metrics = Metrics(config.metrics.namespace)
        self._tracing = _tracing(config)
        traces = self._tracing.statements() if self._tracing else None
        self._storage, self._health = sql.build(config, self._metrics, traces)
        self._preparation = Preparation(self._health, reported=self._slot.number == 0)
        self._cache = _cache(config)
        into_cache = self._cache.store if self._cache else None
        self.dashboard = _dashboard(config, tools)
        observer = self.dashboard.recorder if self.dashboard else None
        self._ingest = Ingest(
            config,
            self._storage,
            self._metrics,
            self._health,
            into_cache,
            observer,
            self._tracing,
        )
        consuming = self._cache is not None and config.broker.enabled and self._slot.number == 0
        self._cache_check = CacheCheck(self._cache.check) if self._cache and consuming else None
        self.processes = processes(self._metrics, self._readiness, self._slot)
        self._lag = LoopLag(self._metrics.loop_lag_seconds)
        self._server: HttpServer | None = None
        self._consuming: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._trimmer = HeapTrimmer()
        self.port = 0
        # what /info answers; the versions of the schemas may follow later
        self.info: dict[str, str] = {}

    async def start(self) -> None:
        """Check the schema, bind the port, begin to consume; raise CannotListen.

        While a database is unavailable only the port is bound; the rest is started later.
        """
        self._lag.start()
        await self.processes.open(self.request_stop)
        prepared = await self._preparation.begin()
        info = build.info() | {"OCP_DB_version": sql.UNREADABLE, "DVO_DB_version": sql.UNREADABLE}
        if prepared:
            info |= await self._versions()
        self.info = info
        app = application(
            self._config,
            self._storage,
            self._metrics,
            info,
            self.processes,
            further=self._dashboard_routes(),
            tracing=self._tracing,
        )
        await self._listen(app)
        self._trimmer.start()
        if self._cache_check is not None:
            self._cache_check.start()
        if self._config.broker.enabled or not prepared:
            self._consuming = asyncio.create_task(self._consume(info))
            self._consuming.add_done_callback(self._consumed)

    def _dashboard_routes(self) -> list[Route]:
        if self.dashboard is None:
            return []
        ask: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._storage.persistent:
            ask["database"] = self._health.check
        if self._cache is not None:
            ask["redis"] = self._cache.check
        self.dashboard.connect(self._metrics, self.processes, self._ingest, ask)
        return self.dashboard.routes()

    def _readiness(self) -> str:
        reasons = [self._ingest.readiness()]
        if self._cache_check is not None:
            reasons.append(self._cache_check.readiness())
        return "; ".join(filter(None, reasons))

    async def _consume(self, info: dict[str, str]) -> None:
        await self._preparation.finish()
        info.update(await self._versions())
        if self._config.broker.enabled:
            await self._ingest.run()

    def _consumed(self, task: asyncio.Task[None]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed or self._config.broker.enabled:
            self._stopping.set()

    async def _versions(self) -> dict[str, str]:
        ocp, dvo = await self._health.schema_versions()
        return {"OCP_DB_version": ocp, "DVO_DB_version": dvo}

    async def _listen(self, app: ApiApplication) -> None:
        server = self._config.server
        shared = self._slot.count > 1
        try:
            if shared and self._slot.number == 0:
                server = replace(server, address=await claim(server.address))
            self._server, self.port = await listen(
                app, server, shared=shared, first=self._slot.number == 0
            )
        except OSError as error:
            raise CannotListen(f"cannot listen on '{server.address}': {error}") from error

    def request_stop(self) -> None:
        """Let `wait` return; may be called by signal handlers, any number of times."""
        self._stopping.set()

    async def wait(self) -> None:
        """Wait for `request_stop`; raise the error that ended the consumers, if any."""
        await self._stopping.wait()
        if self._consuming is not None and self._consuming.done():
            await self._consuming

    async def stop(self) -> None:
        """Stop accepting requests and polling messages, finish running ones, close."""
        self._trimmer.stop()
        if self.dashboard is not None:
            await self.dashboard.stop()
        if self._server is not None:
            self._server.stop()
        self._preparation.stop()
        if self._cache_check is not None:
            self._cache_check.stop()
        if self._consuming is not None:
            self._ingest.request_stop()
            _, late = await asyncio.wait([self._consuming], timeout=INGEST_STOP_SECONDS)
            for task in late:
                task.cancel()
        if self._server is not None:
            await self._server.close(SERVER_STOP_SECONDS)
        self._lag.stop()
        await self.processes.close()
        await self._close()

    async def _close(self) -> None:
        closing = [asyncio.ensure_future(self._health.close())]
        if self._cache is not None:
            closing.append(asyncio.ensure_future(self._cache.close()))
        ended, late = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
        for task in late:
            task.cancel()
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)
        for task in ended:
            task.result()


def _tracing(config: Config) -> Tracing | None:
    """Return what exports traces if an endpoint is configured; raise ConfigError."""
    if not config.tracing.endpoint:
        return None
    try:
        from .tracing import Tracing
    except ImportError as error:
        raise ConfigError(f"tracing.endpoint: {error}; it comes with the extra 'otel'") from error
    return Tracing(config.tracing)


def _dashboard(config: Config, tools: Tools | None) -> Dashboard | None:
    """Return the dashboard if it is on; its modules are imported only then."""
    if not config.server.dashboard:
        return None
    from .dashboard.assembly import Dashboard

    return Dashboard(config, tools)


def _cache(config: Config) -> RedisReports | None:
    """Return the Redis storage of OCP reports if the storage type is `redis`, else None."""
    if config.ocp_recommendations_storage.type != "redis":
        return None
    # importing the Redis client takes 6 MB of memory
    from .db import cache

    return cache.RedisReports(cache.connect(config.redis))
