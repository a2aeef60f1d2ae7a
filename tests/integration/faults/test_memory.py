"""Messages and record batches that unpack to much more than they are: the memory stays small."""

from __future__ import annotations

import gzip
import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from aggregator.db import tables as t
from tests.ingest.kafka import raw_batches
from tests.ingest.kafka.raw_batches import Raw, batch
from tests.integration.faults.backlog import PARTITIONS, Backlog, backlog
from tests.integration.program import stop
from tests.integration.raw_producer import produce
from tests.integration.test_main_job import count, message

MIB = 1024 * 1024
# the deployment's limit, and what the service may have taken at most
LIMIT = 400 * MIB
MOST_GROWTH = 250
GOOD = 100


def padded(number: int, size: int) -> bytes:
    """Return a good message with details of this size."""
    document = json.loads(message(number))
    document["Report"]["reports"][0]["details"]["pad"] = "x" * size
    return json.dumps(document).encode()


def bombs(size: int, number: int) -> list[bytes]:
    """Return batches of one packed message each."""
    return [batch(Raw(gzip.compress(padded(at, size)))) for at in range(number)]


def packed(size: int, number: int, codec: int) -> list[bytes]:
    """Return one packed batch of messages that are not."""
    return [batch(*[Raw(padded(at, size)) for at in range(number)], codec=codec)]


# of how many records all are refused, and how many are stored, besides the good ones
HOSTILE: dict[str, tuple[Callable[[], list[bytes]], int, int]] = {
    "30 messages of 30 MiB": (lambda: bombs(30 * MIB, 30), 30, 0),
    "20 messages of 7 MiB": (lambda: bombs(7 * MIB, 20), 0, 20),
    "45,000 empty members": (lambda: [batch(Raw(gzip.compress(b"") * 45_000))] * 7, 7, 0),
    # what does not fit in a batch is one dead letter
    "a zstd batch of 56 MiB": (lambda: packed(7 * MIB, 8, 4), 1, 3),
    "a gzip batch of 240 MiB": (lambda: packed(30 * MIB, 8, 1), 1, 0),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_unpacks_to_much_is_refused_or_stored_in_little_memory(
    name: str, tmp_path: Path
) -> None:
    make, refused, stored = HOSTILE[name]
    async with backlog(tmp_path) as scene:
        batches = make()
        answers = await produce(scene.brokers, scene.topic, *batches)
        assert not any(answers)
        scene.produced = sum(raw_batches.HEADER.unpack_from(one)[12] for one in batches)
        await fill(scene)
        process = await scene.service().serve()
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (LIMIT, LIMIT))
        before = megabytes(process.pid, "VmRSS")
        await scene.consumed()
        peak = megabytes(process.pid, "VmHWM")
        print(f"{name}: {before:.0f} -> {peak:.0f} MB")
        assert await count(scene.engine, t.report) == GOOD + stored
        assert await count(scene.engine, t.consumer_error) == refused
        assert await stop(process) == 0
        assert peak - before < MOST_GROWTH


def megabytes(pid: int, name: str) -> float:
    """Return what the system says of a process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


async def fill(scene: Backlog) -> None:
    """Send good messages to all partitions, behind what is there."""
    producer = AIOKafkaProducer(bootstrap_servers=scene.brokers)
    await producer.start()
    try:
        for number in range(GOOD):
            await producer.send(
                scene.topic, message(10_000 + number), partition=number % PARTITIONS
            )
        await producer.flush()
    finally:
        await producer.stop()
    scene.produced += GOOD
