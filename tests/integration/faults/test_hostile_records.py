"""Records that are wrong in everything but their values: the service stores or refuses each."""

from __future__ import annotations

from pathlib import Path

from aiokafka import ConsumerRecord

from aggregator.config.options import BrokerConfig
from aggregator.db import tables as t
from aggregator.ingest.kafka.admin import open_brokers
from tests.ingest.kafka import raw_batches
from tests.ingest.kafka.raw_batches import Raw, batch
from tests.integration.faults.backlog import Backlog, backlog
from tests.integration.program import stop
from tests.integration.raw_producer import produce
from tests.integration.test_main_job import count, message

BAD_KEY = (b"k\xff\xfe", b"v")
MICROSECONDS = 1_700_000_000_000_000


def around(value: bytes) -> list[Raw]:
    """Return records with this value, and with everything else of it strange."""
    return [
        Raw(value, headers=[BAD_KEY]),
        Raw(value, headers=[(b"none", None), (b"", b""), (b"x-error-kind", None)]),
        Raw(value, headers=[(b"h%d" % at, b"v") for at in range(5000)]),
        Raw(value, headers=[(b"large", b"v" * 500_000)]),
        Raw(value, headers=[(b"x-original-partition", b"9" * 5000), (b"x-error", b"[/oops]")]),
        Raw(value, key=b""),
        Raw(value, key=b"\xff\x00\xfe"),
        Raw(value, key=b"k" * 700_000),
        Raw(value, timestamp=MICROSECONDS),
        Raw(value, timestamp=0),
        Raw(value, timestamp=-1),
        Raw(value, timestamp=2**63 - 1),
    ]


async def send(scene: Backlog, *batches: bytes) -> None:
    """Send batches to partition 0; the broker takes them."""
    answers = await produce(scene.brokers, scene.topic, *batches)
    for answer, sent in zip(answers, batches, strict=True):
        assert not answer
        scene.produced += raw_batches.HEADER.unpack_from(sent)[12]


async def test_whatever_is_around_a_message_it_is_stored_or_refused(tmp_path: Path) -> None:
    async with backlog(tmp_path) as scene:
        good = [around(message(number))[number] for number in range(len(around(b"")))]
        bad = around(b"no JSON")
        empty = [Raw(None, b"key", [BAD_KEY]), Raw(b"", None, [BAD_KEY])]
        for codec in range(5):
            await send(scene, *(batch(one, codec=codec) for one in (*good, *bad, *empty)))
        await send(scene, batch(Raw(message(99))))
        stored = len(good) + 1
        process = await scene.service().serve()
        await scene.consumed()
        assert await count(scene.engine, t.report) == stored
        refused = 5 * (len(bad) + len(empty))
        assert await count(scene.engine, t.consumer_error) == refused
        assert process.returncode is None
        letters = await read(scene, f"{scene.topic}.dead")
        assert len(letters) == refused
        assert sum(BAD_KEY in raw(one) for one in letters) == 5 * 3
        program = scene.service()
        # nothing of a letter stops the command, and what it sends is refused again
        assert await program.run("replay") == 0, (program.folder / "program.log").read_text()
        scene.produced += refused
        await scene.consumed()
        assert await count(scene.engine, t.consumer_error) == 2 * refused
        letters = await read(scene, f"{scene.topic}.dead")
        assert sum(BAD_KEY in raw(one) for one in letters) == 2 * 5 * 3
        assert await stop(process) == 0


def raw(letter: ConsumerRecord) -> list[tuple[bytes, bytes | None]]:
    """Return the headers as bytes."""
    return [(key.encode(errors="surrogateescape"), value) for key, value in letter.headers]


async def read(scene: Backlog, topic: str) -> list[ConsumerRecord]:
    """Return all records of a topic; aiokafka's own consumer cannot read these."""
    async with open_brokers(BrokerConfig(addresses=(scene.brokers,))) as brokers:
        first, ends = await brokers.bounds(await brokers.partitions(topic))
        return [record async for part in brokers.records(first, ends) for record in part]
