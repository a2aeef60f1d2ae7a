"""One consumer group handed from the Go service to ours and back, while messages arrive.

TEST_PEER_PROGRAM names the Go service's program; docs/coming-from-go.md has the same steps.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from aggregator.db import tables as t
from tests.integration.program import PREFIX, Program, free_port, stop, until
from tests.integration.test_main_job import scene

CLUSTERS, HITS = 40, 3
# messages that each service stores before the next one takes over
PER_PHASE = 300
SECONDS = 90.0
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


class GoService:
    """The Go service with the configuration file of a `Program`."""

    def __init__(self, program: Program) -> None:
        name = os.environ.get("TEST_PEER_PROGRAM")
        if not name:
            pytest.skip("needs the Go service: TEST_PEER_PROGRAM names its program")
        self._path = name
        self._program = program
        (program.folder / "openapi.json").write_text('{"openapi": "3.0.0", "paths": {}}')

    async def start(self, *arguments: str, **options: str) -> asyncio.subprocess.Process:
        """Start a command in the folder of its `config.toml`."""
        given = {"SERVER__API_SPEC_FILE": "openapi.json", **options}
        environ = {f"INSIGHTS_RESULTS_AGGREGATOR__{name}": given[name] for name in given}
        with (self._program.folder / "go.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                self._path, *arguments,
                env=os.environ | environ, cwd=self._program.folder, stdout=log, stderr=log,
            )  # fmt: skip

    async def migrate(self) -> None:
        """Create the schema of the version that it ships."""
        process = await self.start("migration", "latest")
        assert await process.wait() == 0


class Topic:
    """Messages about some clusters, each newer than the ones before, sent until told to stop."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stopping = asyncio.Event()
        self.sent: list[dict[str, Any]] = []

    def _message(self, number: int) -> dict[str, Any]:
        hits = [
            {
                "component": f"rules.rule_{(number + at) % 7}.report",
                "key": f"KEY_{(number + at) % 7}",
                "details": {"type": "rule", "number": number},
            }
            for at in range(HITS)
        ]
        checked = BEGIN + timedelta(seconds=number)
        return {
            "OrgID": 1,
            "ClusterName": str(uuid.UUID(int=number % CLUSTERS)),
            "LastChecked": checked.isoformat().replace("+00:00", "Z"),
            "Version": 2,
            "RequestId": f"request-{number}",
            "Report": {"system": {}, "fingerprints": [], "reports": hits, "skips": [], "info": []},
        }

    async def _send(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._program.brokers)
        await producer.start()
        try:
            for number in itertools.count():
                message = self._message(number)
                await producer.send_and_wait(self._program.topic, json.dumps(message).encode())
                self.sent.append(message)
                with suppress(TimeoutError):
                    # a pace that both services keep up with
                    await asyncio.wait_for(self._stopping.wait(), 0.005)
                    return
        finally:
            await producer.stop()

    @asynccontextmanager
    async def growing(self) -> AsyncIterator[None]:
        """Send messages during this block."""
        sending = asyncio.create_task(self._send())
        try:
            yield
        finally:
            self._stopping.set()
            await sending


async def committed(program: Program) -> int:
    """Return the offset that the group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=program.brokers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{program.topic}.group")
    finally:
        await admin.close()
    found = offsets.get(TopicPartition(program.topic, 0))
    return found.offset if found else 0


async def members(program: Program) -> int:
    """Return the number of members that the group's leader has assigned partitions to."""
    admin = AIOKafkaAdminClient(bootstrap_servers=program.brokers)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([f"{program.topic}.group"])
    finally:
        await admin.close()
    (group,) = answer.groups
    return len(group[5]) if group[2] == "Stable" else 0


async def values(program: Program, topic: str) -> list[bytes]:
    """Return all messages of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=program.brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        (end,) = (await consumer.end_offsets([partition])).values()
        found: list[bytes] = []
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(timeout_ms=500)
            found += [one.value for batch in batches.values() for one in batch]
        return found
    finally:
        await consumer.stop()


async def consume(program: Program, process: asyncio.subprocess.Process, messages: int) -> None:
    """Let a service consume this many messages more."""
    begun = await committed(program)

    async def enough() -> bool:
        assert process.returncode is None, logs(program)
        return await committed(program) >= begun + messages

    await until(enough, SECONDS)


async def joined(program: Program) -> None:
    """Wait until the group has a member with partitions."""

    async def one() -> bool:
        return await members(program) == 1

    await until(one, SECONDS)


def logs(program: Program) -> str:
    """Return the ends of both services' logs."""
    files = [program.folder / name for name in ("go.log", "program.log")]
    return "\n".join(one.read_text()[-2000:] for one in files if one.exists())


async def rows(engine: Any) -> dict[str, tuple[datetime, int]]:
    """Return time and number of hits of each cluster."""
    hits = sa.select(sa.func.count()).where(t.rule_hit.c.cluster_id == t.report.c.cluster)
    query = sa.select(t.report.c.cluster, t.report.c.last_checked_at, hits.scalar_subquery())
    async with engine.connect() as connection:
        return {name: (at, count) for name, at, count in await connection.execute(query)}


async def differences(program: Program, go: GoService) -> str:
    """Return what the REST suite says of answers that differ; nothing if it finds none."""
    port = free_port()
    ours = await program.serve(BROKER__ENABLED="false")
    theirs = await go.start(BROKER__ENABLED="false", SERVER__ADDRESS=f"127.0.0.1:{port}")
    urls = [f"http://127.0.0.1:{one}{PREFIX.rstrip('/')}" for one in (program.port, port)]
    try:
        await until(lambda: _answers(port), SECONDS)
        suite = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "testing.rest_suite", "--url", urls[0], "--compare", urls[1],
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        text, _ = await suite.communicate()
        return text.decode() if suite.returncode else ""
    finally:
        for process in (ours, theirs):
            await stop(process)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_group_is_handed_over_and_back_and_no_message_is_lost(tmp_path: Path) -> None:
    async with scene(tmp_path) as (program, engine):
        go = GoService(program)
        topic = Topic(program)
        # a group of the Go service starts at the newest message
        process = await go.start()
        await joined(program)
        async with topic.growing():
            await consume(program, process, PER_PHASE)
            # it ends with status 2 after most of its orderly stops
            await stop(process)
            assert await program.run("migration", "latest") == 0
            process = await program.serve()
            await consume(program, process, PER_PHASE)
            assert await stop(process) == 0
            process = await go.start()
            await consume(program, process, PER_PHASE)
            await stop(process)
            process = await program.serve()
            await consume(program, process, PER_PHASE)
        # what the Go service had taken when it was stopped is in the dead-letter topic
        dead = await values(program, f"{program.topic}.dead")
        if dead:
            assert await program.run("replay", "--to", program.topic) == 0

        async def all_committed() -> bool:
            return await committed(program) == len(topic.sent) + len(dead)

        await until(all_committed, SECONDS)
        assert await stop(process) == 0
        assert await values(program, f"{program.topic}.dead") == dead
        statuses = [json.loads(one) for one in await values(program, f"{program.topic}.tracker")]
        stored = Counter(one["request_id"] for one in statuses if one["status"] == "success")
        newest = {one["ClusterName"]: one["LastChecked"] for one in topic.sent}
        found = await rows(engine)
        assert await differences(program, go) == ""
    assert stored == Counter(one["RequestId"] for one in topic.sent)
    assert len(topic.sent) > 4 * PER_PHASE
    assert {name: (at.replace(tzinfo=UTC), count) for name, (at, count) in found.items()} == {
        name: (datetime.fromisoformat(checked), HITS) for name, checked in newest.items()
    }
