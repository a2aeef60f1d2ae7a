"""Four partitions, three services with static membership, each restarted while messages arrive."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from aggregator.db import tables as t
from tests.integration.background import BackgroundTask
from tests.integration.faults.backlog import PARTITIONS, Backlog, backlog
from tests.integration.faults.service_state import becomes_ready
from tests.integration.program import Program, stop
from tests.integration.test_main_job import count, message

NAMES = ("one", "two", "three")


class Stream(BackgroundTask):
    """Sends a report of another cluster to each partition in turn until it is stopped."""

    def __init__(self, scene: Backlog) -> None:
        self._scene = scene
        self.sent = 0

    async def _run(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._scene.brokers)
        await producer.start()
        try:
            while True:
                partition = self.sent % PARTITIONS
                value = message(self.sent)
                # a message is counted when it is sent, and the cancellation waits for its result
                sending = producer.send_and_wait(self._scene.topic, value, partition=partition)
                self.sent += 1
                await asyncio.shield(asyncio.ensure_future(sending))
                await asyncio.sleep(0.005)
        finally:
            await producer.stop()


class Progress(BackgroundTask):
    """The longest time that each partition's committed offset stood still."""

    def __init__(self, scene: Backlog) -> None:
        self._scene = scene
        self.longest: dict[int, float] = dict.fromkeys(range(PARTITIONS), 0.0)

    async def _run(self) -> None:
        seen: dict[int, tuple[int, float]] = {}
        while True:
            found = await self._scene.admin.list_consumer_group_offsets(
                f"{self._scene.topic}.group"
            )
            now = time.monotonic()
            for place, one in found.items():
                if place.topic != self._scene.topic:
                    continue
                offset, since = seen.get(place.partition, (-1, now))
                if one.offset != offset:
                    seen[place.partition] = (one.offset, now)
                self.longest[place.partition] = max(self.longest[place.partition], now - since)
            await asyncio.sleep(0.1)


async def serve(program: Program, name: str) -> asyncio.subprocess.Process:
    """Start a service under its name in the group; return when it consumes."""
    process = await program.serve(
        BROKER__GROUP_INSTANCE_ID=name, BROKER__SESSION_TIMEOUT="120",
        LOGGING__LOG_LEVEL="info", SERVER__WORKERS="1",
    )  # fmt: skip
    await becomes_ready(program)
    return process


async def tracked(scene: Backlog) -> Counter[str]:
    """Return how often the payload tracker was told that each request is done."""
    place = TopicPartition(f"{scene.topic}.tracker", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=scene.brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        found: Counter[str] = Counter()
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(timeout_ms=500)).get(place, []):
                told = json.loads(record.value)
                found[told["request_id"]] += told["status"] == "success"
        return found
    finally:
        await consumer.stop()


def assignments(program: Program) -> int:
    """Return how often the group gave the service its partitions."""
    return (program.folder / "program.log").read_text().count("partitions assigned")


async def test_a_rolling_restart_stores_each_message_once(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        programs = [scene.service() for _ in NAMES]
        processes = [
            await serve(program, name) for program, name in zip(programs, NAMES, strict=True)
        ]
        # the last of them to join has taken partitions from the others
        while assignments(programs[0]) < len(NAMES):
            await asyncio.sleep(0.1)
        async with Stream(scene) as stream:
            while await scene.committed() < 4 * PARTITIONS:
                await asyncio.sleep(0.05)
            async with Progress(scene) as progress:
                for at, name in enumerate(NAMES):
                    before = [assignments(program) for program in programs]
                    assert await stop(processes[at]) == 0
                    processes[at] = await serve(programs[at], name)
                    # the others were not disturbed: there was no rebalance
                    after = [assignments(program) for program in programs]
                    assert [new - old for old, new in zip(before, after, strict=True)] == [
                        int(other == at) for other in range(len(NAMES))
                    ]
        scene.produced = stream.sent
        await scene.consumed()
        assert [await stop(process) for process in processes] == [0, 0, 0]
        print("longest time without a commit, by partition, s:", progress.longest)

        assert await count(scene.engine, t.report) == stream.sent
        done = await tracked(scene)
        assert len(done) == stream.sent
        assert set(done.values()) == {1}
        assert await scene.letters() == []
