"""Outages of PostgreSQL, Kafka, Redis and the topic of the tracker."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from redis.asyncio import Redis

from tests.integration.faults.backlog import MESSAGES, backlog
from tests.integration.faults.service_state import (
    MessageCounts,
    answer,
    becomes_paused,
    becomes_ready,
)
from tests.integration.program import stop, until
from tests.integration.servers.kafka import KafkaServer
from tests.integration.servers.postgres import PostgresServer
from tests.integration.servers.redis import RedisServer

OUTAGE_SECONDS = float(os.environ.get("FAULT_OUTAGE_SECONDS", "4"))


async def test_postgres_outage(tmp_path: Path) -> None:
    with PostgresServer() as server:
        async with backlog(tmp_path, postgres=server.url) as scene:
            await scene.fill()
            program = scene.service()
            process = await program.serve()
            await scene.begun()
            await asyncio.to_thread(server.stop)
            assert "database" in await becomes_paused(program)
            held = await scene.committed()
            status, _ = await answer(program, "organizations")
            assert status == 503
            await asyncio.sleep(OUTAGE_SECONDS)
            assert await scene.committed() == held < scene.produced
            await asyncio.to_thread(server.start)
            await scene.engine.dispose()
            await becomes_ready(program)
            await scene.consumed()
            await scene.assert_accounted_for(program)
            assert await stop(process) == 0
            await scene.assert_newest_stored()


async def test_stop_during_a_postgres_outage(tmp_path: Path) -> None:
    with PostgresServer() as server:
        async with backlog(tmp_path, postgres=server.url) as scene:
            await scene.fill()
            program = scene.service()
            process = await program.serve()
            await scene.begun()
            await asyncio.to_thread(server.stop, "immediate")
            await becomes_paused(program)
            assert await stop(process) == 0
            await asyncio.to_thread(server.start)
            await scene.engine.dispose()
            process = await program.serve()
            await scene.consumed()
            await scene.assert_accounted_for(program)
            assert await stop(process) == 0
            await scene.assert_newest_stored()


async def test_broker_outage(tmp_path: Path) -> None:
    with KafkaServer(tmp_path / "kafka") as broker:
        async with backlog(tmp_path, brokers=broker.address) as scene:
            await scene.fill()
            program = scene.service()
            process = await program.serve()
            await scene.begun()
            await asyncio.to_thread(broker.stop)
            await asyncio.sleep(OUTAGE_SECONDS)
            status, _ = await answer(program, "organizations")
            assert status == 200
            await asyncio.to_thread(broker.start)
            await scene.consumed()
            await becomes_ready(program)
            await scene.assert_accounted_for(program)
            assert await stop(process) == 0
            await scene.assert_newest_stored()


async def test_redis_outage(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        async with backlog(tmp_path) as scene, Redis(port=server.port) as redis:
            await scene.fill()
            program = scene.service()
            process = await program.serve(
                OCP_RECOMMENDATIONS_STORAGE__TYPE="redis",
                REDIS__ENDPOINT=f"127.0.0.1:{server.port}",
            )
            await until(lambda: scene.committed(), 60)
            await asyncio.to_thread(server.stop)
            assert "redis" in await becomes_paused(program)
            held = await scene.committed()
            await asyncio.sleep(OUTAGE_SECONDS)
            assert await scene.committed() == held < scene.produced
            await asyncio.to_thread(server.start)
            await scene.consumed()
            await becomes_ready(program)
            account = await MessageCounts.of(program)
            assert (account.written, account.refused) == (account.consumed, 0)
            assert await stop(process) == 0
            assert await scene.letters() == []
            # a key and a hash for each of its reports
            assert await redis.dbsize() == 2 * MESSAGES


async def test_missing_tracker_topic(tmp_path: Path) -> None:
    with KafkaServer(tmp_path / "kafka", settings={"auto.create.topics.enable": "false"}) as broker:
        async with backlog(tmp_path, brokers=broker.address) as scene:
            await scene.fill()
            tracker = f"{scene.topic}.tracker"
            await scene.admin.delete_topics([tracker])
            program = scene.service()
            process = await program.serve()
            assert f"topic '{tracker}'" in await becomes_paused(program)
            held = await scene.committed()
            await asyncio.sleep(OUTAGE_SECONDS)
            assert await scene.committed() == held < scene.produced
            await scene.create(tracker)
            await scene.consumed()
            await becomes_ready(program)
            await scene.assert_accounted_for(program)
            assert await stop(process) == 0
            await scene.assert_newest_stored()
