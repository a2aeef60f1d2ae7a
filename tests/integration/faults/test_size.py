"""Messages of 900 KiB: stored, within the memory of a small container."""

from __future__ import annotations

import json
import os
from pathlib import Path

from aiokafka import AIOKafkaProducer

from aggregator.db import tables as t
from tests.integration.faults.backlog import PARTITIONS, Backlog, backlog
from tests.integration.program import stop
from tests.integration.test_main_job import count, message

LARGE = int(os.environ.get("FAULT_LARGE_MESSAGES", "150"))
SIZE = 900 * 1024
MOST_MEGABYTES = 250


def large(number: int) -> bytes:
    """Return a large message that does not compress well."""
    document = json.loads(message(number))
    document["Report"]["reports"][0]["details"]["pad"] = os.urandom(SIZE // 2).hex()
    return json.dumps(document).encode()


async def fill(scene: Backlog) -> None:
    """Send the large messages, a few at a time."""
    producer = AIOKafkaProducer(bootstrap_servers=scene.brokers, max_request_size=2 * SIZE)
    await producer.start()
    try:
        for number in range(LARGE):
            await producer.send_and_wait(scene.topic, large(number), partition=number % PARTITIONS)
    finally:
        await producer.stop()
    scene.produced = LARGE


async def test_large_messages_are_stored_in_little_memory(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        await fill(scene)
        process = await scene.service().serve()
        await scene.consumed()
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        assert await stop(process) == 0
        assert await count(scene.engine, t.report) == LARGE
        assert await scene.letters() == []
        print(peak)
        assert int(peak.split()[1]) / 1024 < MOST_MEGABYTES
