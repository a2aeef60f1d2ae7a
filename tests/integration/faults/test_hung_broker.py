"""A broker that is stopped, or hangs without closing connections: what is logged, and a stop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.faults.guarded import (
    PROTOCOL,
    SETTINGS,
    Guarded,
    serving,
)
from tests.integration.faults.watching import answer, becomes_paused, becomes_ready
from tests.integration.hung_proxy import HungProxy
from tests.integration.program import free_port, stop
from tests.integration.servers.kafka import KafkaServer
from tests.integration.test_main_job import message

OUTAGE_SECONDS = float(os.environ.get("FAULT_OUTAGE_SECONDS", "4"))
# departures 13, and what a busy machine adds to it
STOP_SECONDS = 12.0


@asynccontextmanager
async def behind_proxy(folder: Path) -> AsyncIterator[tuple[Guarded, HungProxy, KafkaServer]]:
    """Give a service that reaches its broker through a proxy only."""
    port = free_port()
    broker = KafkaServer(folder / "kafka", protocols=(PROTOCOL,), settings=SETTINGS)
    target = int(broker.address_of(PROTOCOL).rpartition(":")[2])
    plain = broker.address
    broker.advertise(f"PLAINTEXT://{plain}", f"{PROTOCOL}://127.0.0.1:{port}")
    async with HungProxy(port, target) as proxy:
        await asyncio.to_thread(broker.start)
        try:
            guarded = Guarded(folder, broker, f"127.0.0.1:{port}")
            guarded.create(guarded.topic, guarded.dead, guarded.tracker)
            guarded.grant_all()
            yield guarded, proxy, broker
        finally:
            broker.kill()


async def test_an_outage_is_one_line_at_its_beginning_and_one_at_its_end(tmp_path: Path) -> None:
    async with behind_proxy(tmp_path) as (guarded, _, broker), serving(guarded):
        await guarded.produce(message(1))
        await guarded.consumes(1)
        await becomes_ready(guarded.program)
        await asyncio.to_thread(broker.stop)
        assert "broker" in await becomes_paused(guarded.program)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(broker.start)
        await guarded.produce(message(2))
        await guarded.consumes(2)
        await becomes_ready(guarded.program)
        assert guarded.logged("error", "") == []
        (line,) = guarded.logged("warn", "consuming is")
        assert line.startswith("consuming is paused: broker: Unable connect to node")
        assert len(guarded.logged("info", "available again")) == 1
        assert [text for text in guarded.logged("warn", "") if text != line] == [
            "Sending username and password in the clear"
        ]


@pytest.mark.parametrize("when", ["idle", "with messages", "at the start"])
async def test_a_stop_ends_in_time_though_the_broker_hangs(tmp_path: Path, when: str) -> None:
    async with behind_proxy(tmp_path) as (guarded, proxy, _):
        if when == "at the start":
            proxy.hang()
        async with serving(guarded, stopped=False) as process:
            if when != "at the start":
                await guarded.produce(message(1))
                await guarded.consumes(1)
                await becomes_ready(guarded.program)
                if when == "with messages":
                    await guarded.produce(*(message(number) for number in range(2, 50)), b"bad")
                proxy.hang()
            reason = await becomes_paused(guarded.program)
            assert "broker" in reason
            async with asyncio.timeout(STOP_SECONDS):
                assert await stop(process) == 0


async def test_a_broker_that_hung_is_heard_again(tmp_path: Path) -> None:
    async with behind_proxy(tmp_path) as (guarded, proxy, _), serving(guarded):
        await guarded.produce(message(1))
        await guarded.consumes(1)
        proxy.hang()
        await becomes_paused(guarded.program)
        status, _ = await answer(guarded.program, "/livez")
        assert status == 200
        proxy.go_on()
        await guarded.produce(message(2))
        await guarded.consumes(2)
        await becomes_ready(guarded.program)
