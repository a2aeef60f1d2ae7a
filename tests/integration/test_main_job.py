"""The main job on real PostgreSQL and Kafka: a backlog is stored once, whatever happens."""

from __future__ import annotations

import asyncio
import json
import signal
import time
import urllib.error
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aggregator.db import tables as t
from aggregator.db.engine import open_url
from tests.databases import fresh_database
from tests.db.stores import migrated
from tests.services import require

from .program import (
    Program,
    percentile,
    stop,
    until,
)

MESSAGES = 10_000
ORGANIZATION = 1001


def cluster(number: int) -> str:
    return str(uuid.UUID(int=number))


def message(number: int, *, minute: int = 0) -> bytes:
    hits = [
        {
            "component": f"lab_rules.rule_{(number + at) % 7}.report",
            "key": f"KEY_{(number + at) % 7}",
            "details": {"type": "rule", "nodes": [f"node-{n}" for n in range(20)]},
        }
        for at in range(3)
    ]
    checked = datetime(2026, 3, 1, 10, tzinfo=UTC) + timedelta(minutes=minute)
    return json.dumps(
        {
            "OrgID": ORGANIZATION,
            "ClusterName": cluster(number),
            "LastChecked": checked.isoformat(),
            "Version": 2,
            "RequestId": f"request-{number}-{minute}",
            "Report": {"system": {}, "fingerprints": [], "reports": hits, "skips": []},
        }
    ).encode()


async def produce(brokers: str, topic: str, messages: Iterable[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=brokers, linger_ms=20)
    await producer.start()
    try:
        for at, value in enumerate(messages):
            sent = await producer.send(topic, value)
            if at % 1000 == 0:
                await sent
    finally:
        await producer.stop()


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[Program, sa.ext.asyncio.AsyncEngine]]:
    brokers = require("kafka")
    topic = f"test.main.{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    names = [topic, f"{topic}.tracker", f"{topic}.dead"]
    await admin.create_topics([NewTopic(name, 1, 1) for name in names])
    async with fresh_database() as url:
        engine = open_url(url)
        program = Program(folder, brokers, topic, sa.make_url(url))
        try:
            await migrated(url)
            yield program, engine
        finally:
            await program.kill()
            await engine.dispose()
            await admin.delete_topics(names)
            await admin.close()


async def count(engine: Any, table: sa.Table) -> int:
    async with engine.connect() as conn:
        return int((await conn.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


async def assert_all_stored_once(engine: Any, clusters: int) -> None:
    async with engine.connect() as conn:
        names = (await conn.execute(sa.select(t.report.c.cluster))).scalars().all()
    assert sorted(names) == sorted(cluster(number) for number in range(clusters))
    assert await count(engine, t.rule_hit) == 3 * clusters
    assert await count(engine, t.recommendation) == 3 * clusters
    assert await count(engine, t.consumer_error) == 0


async def test_a_backlog_is_stored_while_requests_are_answered(tmp_path: Path) -> None:
    async with scene(tmp_path) as (program, engine):
        backlog = (message(number) for number in range(MESSAGES))
        await produce(program.brokers, program.topic, backlog)
        process = await program.serve()
        waits: list[float] = []

        async def done() -> bool:
            start = time.perf_counter()
            await program.get("info")
            waits.append(time.perf_counter() - start)
            await asyncio.sleep(0.02)
            return len(waits) % 20 == 0 and await count(engine, t.report) == MESSAGES

        await until(done, 120)
        print(f"longest wait {max(waits):.3f} s, p99 {percentile(waits, 0.99):.3f} s")
        report = await program.get(
            f"organizations/{ORGANIZATION}/clusters/{cluster(7)}/users/ann/report"
        )
        assert report["report"]["meta"]["count"] == 3
        assert await stop(process) == 0
        await assert_all_stored_once(engine, MESSAGES)


async def test_a_killed_service_goes_on_where_it_was(tmp_path: Path) -> None:
    async with scene(tmp_path) as (program, engine):
        backlog = (message(number) for number in range(MESSAGES))
        await produce(program.brokers, program.topic, backlog)
        process = await program.serve()

        async def begun() -> bool:
            return await count(engine, t.report) > 0

        await until(begun, 60)
        assert await stop(process, signal.SIGKILL) == -signal.SIGKILL
        stored = await count(engine, t.report)
        assert 0 < stored < MESSAGES
        process = await program.serve()

        async def done() -> bool:
            return await count(engine, t.report) == MESSAGES

        await until(done, 120)
        assert await stop(process) == 0
        await assert_all_stored_once(engine, MESSAGES)


async def test_the_service_refuses_another_schema_version(tmp_path: Path) -> None:
    async with scene(tmp_path) as (program, _engine):
        assert await program.run("migration", "31") == 0
        assert await program.run("start-service") == 2
        log = (tmp_path / "program.log").read_text()
        assert "old DB migration version (current: 31, latest: 32)" in log
        assert "Traceback" not in log


async def test_an_unknown_cluster_is_not_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as (program, _engine):
        process = await program.serve()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await program.get(f"organizations/1/clusters/{cluster(1)}/users/ann/report")
        assert await stop(process) == 0
