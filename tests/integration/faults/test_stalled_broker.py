"""A broker that is stopped, or stalls without closing connections: log lines, and a stop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.faults.acls import (
    PROTOCOL,
    SETTINGS,
    AclScenario,
    serving,
)
from tests.integration.faults.service_state import answer, becomes_paused, becomes_ready
from tests.integration.program import free_port, stop
from tests.integration.servers.kafka import KafkaServer
from tests.integration.stalling_proxy import StallingProxy
from tests.integration.test_main_job import message

OUTAGE_SECONDS = float(os.environ.get("FAULT_OUTAGE_SECONDS", "4"))
# departures 13, and what a busy machine adds to it
STOP_SECONDS = 12.0


@asynccontextmanager
async def behind_proxy(
    folder: Path,
) -> AsyncIterator[tuple[AclScenario, StallingProxy, KafkaServer]]:
    """Give a service that reaches its broker through a proxy only."""
    port = free_port()
    broker = KafkaServer(folder / "kafka", protocols=(PROTOCOL,), settings=SETTINGS)
    target = int(broker.address_of(PROTOCOL).rpartition(":")[2])
    plain = broker.address
    broker.advertise(f"PLAINTEXT://{plain}", f"{PROTOCOL}://127.0.0.1:{port}")
    async with StallingProxy(target, port=port) as proxy:
        await asyncio.to_thread(broker.start)
        try:
            scenario = AclScenario(folder, broker, f"127.0.0.1:{port}")
            scenario.create(scenario.topic, scenario.dead, scenario.tracker)
            scenario.grant_all()
            yield scenario, proxy, broker
        finally:
            broker.kill()


async def test_an_outage_is_one_line_at_its_beginning_and_one_at_its_end(tmp_path: Path) -> None:
    async with behind_proxy(tmp_path) as (scenario, _, broker), serving(scenario):
        await scenario.produce(message(1))
        await scenario.consumes(1)
        await becomes_ready(scenario.program)
        await asyncio.to_thread(broker.stop)
        assert "broker" in await becomes_paused(scenario.program)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(broker.start)
        await scenario.produce(message(2))
        await scenario.consumes(2)
        await becomes_ready(scenario.program)
        assert scenario.logged("error", "") == []
        (line,) = scenario.logged("warn", "consuming is")
        assert line.startswith("consuming is paused: broker: Unable connect to node")
        assert len(scenario.logged("info", "available again")) == 1
        assert [text for text in scenario.logged("warn", "") if text != line] == [
            "Sending username and password in the clear"
        ]


@pytest.mark.parametrize("when", ["idle", "with messages", "at the start"])
async def test_a_stop_ends_in_time_with_a_stalled_broker(tmp_path: Path, when: str) -> None:
    async with behind_proxy(tmp_path) as (scenario, proxy, _):
        if when == "at the start":
            proxy.stall()
        async with serving(scenario, stopped=False) as process:
            if when != "at the start":
                await scenario.produce(message(1))
                await scenario.consumes(1)
                await becomes_ready(scenario.program)
                if when == "with messages":
                    await scenario.produce(*(message(number) for number in range(2, 50)), b"bad")
                proxy.stall()
            reason = await becomes_paused(scenario.program)
            assert "broker" in reason
            async with asyncio.timeout(STOP_SECONDS):
                assert await stop(process) == 0


async def test_consuming_resumes_after_a_stall(tmp_path: Path) -> None:
    async with behind_proxy(tmp_path) as (scenario, proxy, _), serving(scenario):
        await scenario.produce(message(1))
        await scenario.consumes(1)
        proxy.stall()
        await becomes_paused(scenario.program)
        status, _ = await answer(scenario.program, "/livez")
        assert status == 200
        proxy.resume()
        await scenario.produce(message(2))
        await scenario.consumes(2)
        await becomes_ready(scenario.program)
