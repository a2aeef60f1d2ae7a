"""A real Prometheus scrapes a real service, and evaluates the alert rules on what it finds."""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.deploy.manifests import DEPLOY
from tests.services import program

from .program import PREFIX, free_port, stop, until
from .test_main_job import message, produce, scene

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: ccx-insights-results-db-writer
    metrics_path: {path}metrics
    static_configs:
      - targets: ["127.0.0.1:{port}"]
        labels: {{namespace: test, container: db-writer, pod: writer-0, endpoint: web}}
"""
MESSAGES = 20
SECONDS = 60.0


class Prometheus:
    """A server of a test's own."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    async def get(self, path: str) -> Any:
        """Return the data of an answer of the HTTP API; None while it does not answer."""

        def fetch() -> Any:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:
                return json.loads(answer.read())["data"]

        try:
            return await asyncio.to_thread(fetch)
        except OSError:
            return None

    async def values(self, query: str) -> list[float]:
        """Return the values of a query now."""
        data = await self.get("query?" + urllib.parse.urlencode({"query": query}))
        return [float(one["value"][1]) for one in data["result"]] if data else []


@asynccontextmanager
async def prometheus(folder: Path, port: int) -> AsyncIterator[Prometheus]:
    """Start a Prometheus that scrapes this port."""
    binary, own = program("prometheus"), free_port()
    shutil.copy(DEPLOY / "prometheus" / "alerts.yaml", folder)
    (folder / "prometheus.yaml").write_text(CONFIG.format(port=port, path=PREFIX))
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            binary,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{own}",
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield Prometheus(own)
    finally:
        await stop(process)


async def test_prometheus_scrapes_the_service_and_evaluates_its_alerts(tmp_path: Path) -> None:
    program("prometheus")
    async with scene(tmp_path) as (service, _):
        process = await service.serve()
        try:
            await produce(service.brokers, service.topic, map(message, range(MESSAGES)))
            await service.get("organizations")
            async with prometheus(tmp_path, service.port) as server:

                async def stored() -> bool:
                    return await server.values("written_reports") == [MESSAGES]

                await until(stored, SECONDS)
                assert await server.values("up") == [1]
                assert await server.values("sum(paused)") == [0]
                assert await server.values("sum(consumer_lag)") == [0]
                # the operator's label `endpoint` renames that of the metric
                requested = f'api_endpoints_requests{{exported_endpoint="{PREFIX}organizations"}}'
                assert await server.values(requested) == [1]

                async def evaluated() -> bool:
                    groups = (await server.get("rules"))["groups"]
                    health = {rule["health"] for one in groups for rule in one["rules"]}
                    return health == {"ok"}

                await until(evaluated, SECONDS)
                assert not (await server.get("alerts"))["alerts"]
        finally:
            await stop(process)
