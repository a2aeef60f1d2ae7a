"""Connections to PostgreSQL that stall without being closed, as on a lost network path."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.faults.backlog import Backlog, backlog
from tests.integration.faults.service_state import (
    answer,
    becomes_paused,
    metrics_of,
    put,
)
from tests.integration.program import until
from tests.integration.stalling_proxy import StallingProxy
from tests.integration.test_main_job import ORGANIZATION, cluster

CLUSTERS = f"organizations/{ORGANIZATION}/clusters"
VOTE = (
    f"clusters/{cluster(7)}/rules/lab_rules.rule_0.report/error_key/KEY_0"
    f"/organizations/{ORGANIZATION}/users/ann/like"
)


@asynccontextmanager
async def through_proxy(folder: Path) -> AsyncIterator[tuple[Backlog, StallingProxy]]:
    async with backlog(folder) as scene:
        host, port = scene.url.host or "127.0.0.1", scene.url.port or 5432
        async with StallingProxy(port, host) as proxy:
            scene.url = scene.url.set(host="127.0.0.1", port=proxy.port)
            yield scene, proxy


async def test_stalled_connections_are_replaced(tmp_path: Path) -> None:
    async with through_proxy(tmp_path) as (scene, proxy):
        program = scene.service()
        process = await program.serve()
        await scene.send(200)
        await scene.consumed()
        assert (await answer(program, CLUSTERS))[0] == 200
        proxy.stall_open_connections()
        # idle connections are checked before they are used
        await asyncio.sleep(1.1)
        assert await put(program, VOTE) == 200
        assert (await answer(program, CLUSTERS))[0] == 200
        proxy.stall_open_connections()
        await scene.send(200)
        async with asyncio.timeout(30):
            await scene.consumed()
        await scene.assert_accounted_for(program)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize("stuck", ["paused batch", "new batch", "reads"])
async def test_stop_ends_in_time_with_stalled_connections(tmp_path: Path, stuck: str) -> None:
    async with through_proxy(tmp_path) as (scene, proxy):
        program = scene.service()
        process = await program.serve()
        await scene.send(200)
        await scene.consumed()
        reads = [asyncio.ensure_future(answer(program, CLUSTERS)) for _ in range(4)]
        await asyncio.gather(*reads)
        proxy.stall()
        if stuck == "reads":
            reads = [asyncio.ensure_future(answer(program, CLUSTERS)) for _ in range(4)]
            await asyncio.sleep(0.5)
        else:
            taken = (await metrics_of(program))["consumed_messages"]
            await scene.send(200)

            async def taken_more() -> bool:
                return (await metrics_of(program))["consumed_messages"] > taken

            await until(taken_more, 30)
        if stuck == "paused batch":
            await becomes_paused(program)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
        took = time.monotonic() - began
        print(f"stopped in {took:.1f} s")
        await asyncio.gather(*reads, return_exceptions=True)
        # ten seconds, and something for a busy machine
        assert took < 11
        assert await scene.letters() == []
