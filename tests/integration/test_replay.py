"""Dead letters of a real broker: made by the service's own sink, replayed by the command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aggregator.config.options import BrokerConfig
from aggregator.ingest.dead_letter_queue import DeadLetterQueue
from aggregator.ingest.kafka import factory
from aggregator.ingest.kafka.admin import open_brokers
from aggregator.ingest.kafka.producer import Outgoing, Sender
from aggregator.metrics import Metrics
from tests.ingest.doubles import refused
from tests.services import require

PARTITIONS = 4
PREFIX = "INSIGHTS_RESULTS_AGGREGATOR__BROKER__"


class Scene:
    """Two topics of their own, and commands run as processes on them."""

    def __init__(self, folder: Path, brokers: str) -> None:
        unique = uuid.uuid4().hex[:12]
        self.results = f"test.{unique}.results"
        self.letters = f"test.{unique}.letters"
        self.broker = BrokerConfig(addresses=(brokers,), group=f"test.{unique}")
        self._folder = folder

    async def command(self, *arguments: str) -> asyncio.subprocess.Process:
        ours = {
            "ADDRESSES": self.broker.addresses[0],
            "TOPIC": self.results,
            "DEAD_LETTER_QUEUE_TOPIC": self.letters,
            "GROUP": self.broker.group,
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aggregator", *arguments,
            env=os.environ | {PREFIX + name: value for name, value in ours.items()},
            cwd=self._folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *arguments: str) -> tuple[int | None, str, str]:
        """Return the exit status, standard output and standard error of a command."""
        process = await self.command(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()

    async def set_aside(self, values: Iterable[tuple[int, bytes]]) -> None:
        """Refuse messages, each of a partition, as the service does it."""
        sender = Sender(factory.producer(self.broker))
        sink = DeadLetterQueue(None, sender, self.letters, Metrics())
        await sink.start()
        outcomes = [
            refused("no good", "json", value=value, topic=self.results, partition=partition)
            for partition, value in values
        ]
        await sink.send_dead_letters(outcomes)
        await sink.stop()

    async def read(self, topic: str) -> list[ConsumerRecord]:
        async with open_brokers(self.broker) as brokers:
            first, ends = await brokers.bounds(await brokers.partitions(topic))
            return [record async for part in brokers.records(first, ends) for record in part]


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    it = Scene(folder, require("kafka"))
    admin = AIOKafkaAdminClient(bootstrap_servers=list(it.broker.addresses))
    await admin.start()
    # the topic of letters takes no large messages: such letters lose their values
    topics = [
        NewTopic(it.results, PARTITIONS, 1, topic_configs={"max.message.bytes": "5000000"}),
        NewTopic(it.letters, PARTITIONS, 1),
    ]
    await admin.create_topics(topics)
    try:
        yield it
    finally:
        await admin.delete_topics([it.results, it.letters])
        await admin.close()


def by_partition(records: Sequence[ConsumerRecord]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for record in sorted(records, key=lambda record: record.offset):
        found.setdefault(record.partition, []).append(record.value)
    return found


async def test_letters_go_back_to_their_partitions_in_order(tmp_path: Path) -> None:
    values = [(number % 4, b"message %d" % number) for number in range(2000)]
    large = b"x" * 2_000_000
    async with scene(tmp_path) as it:
        await it.set_aside([*values, (1, large)])
        status, out, err = await it.run("replay", "--dry-run")
        assert (status, out.split()[-1]) == (3, "2000")
        assert await it.read(it.results) == []
        status, out, err = await it.run("replay")
        assert (status, out.split()[-1]) == (3, "2000")
        assert "its value was too large for the dead-letter topic" in err
        got = by_partition(await it.read(it.results))
        assert got == {lane: [value for at, value in values if at == lane] for lane in range(4)}
        status, out, _ = await it.run("lag", "--json")
        assert (status, json.loads(out)["lag"]) == (0, 2000)


async def test_an_interrupted_replay_tells_where_to_go_on(tmp_path: Path) -> None:
    count = 40_000
    values = [(number % 4, b"%d" % number + b" " * 500) for number in range(count)]
    async with scene(tmp_path) as it:
        await it.set_aside(values)
        process = await it.command("replay")
        async with open_brokers(it.broker) as brokers, asyncio.timeout(30):
            places = await brokers.partitions(it.results)
            while not sum((await brokers.bounds(places))[1].values()):
                await asyncio.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 130
        assert b"Traceback" not in err
        sent = int(out.split()[-1])
        assert 0 < sent < count
        assert len(await it.read(it.results)) == sent
        begin = re.search(r"--begin (.*)", err.decode())
        assert begin is not None
        status, out_text, _ = await it.run("replay", "--begin", *begin[1].split())
        assert (status, int(out_text.split()[-1])) == (0, count - sent)
        got = by_partition(await it.read(it.results))
        assert got == {lane: [value for at, value in values if at == lane] for lane in range(4)}


async def test_lag_names_the_members(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        sender = Sender(factory.producer(it.broker))
        await sender.start()
        await sender.send(it.results, [Outgoing(b"{}")] * 3, 2)
        await sender.stop()
        status, out, _ = await it.run("lag", "--json")
        rows = json.loads(out)["partitions"]
        assert [row["lag"] for row in rows] == [0, 0, 3, 0]
        assert {row["member"] for row in rows} == {""}
        reader = factory.consumer(it.broker)
        await reader.start()
        try:
            reader.subscribe([it.results])
            await asyncio.wait_for(reader.getone(), 20)
            status, out, _ = await it.run("lag")
        finally:
            await reader.stop()
        assert status == 0
        assert out.count("aiokafka-") == PARTITIONS
