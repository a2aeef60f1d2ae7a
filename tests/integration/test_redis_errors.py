"""Errors of a real Redis: which are a record's own fault, and which make it wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from aggregator.config.options import BrokerConfig, Config, RedisConfig, StorageConfig
from aggregator.db import cache_check
from aggregator.db.cache import RedisReports, connect
from aggregator.errors import RecordRejected, Unavailable
from aggregator.service import Service
from tests.db.test_cache import report
from tests.integration.servers.redis import RedisServer

from .program import free_port

Change = Callable[[Redis], Awaitable[Any]]


def setting(name: str, value: str) -> Change:
    return lambda admin: admin.config_set(name, value)


def command(*words: str) -> Change:
    return lambda admin: admin.execute_command(*words)


async def read_only(admin: Redis) -> None:
    """Make the server a replica of nobody that answers; it serves what it has."""
    await admin.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))


async def stale(admin: Redis) -> None:
    await admin.config_set("replica-serve-stale-data", "no")
    await admin.config_set("replica-read-only", "no")
    await read_only(admin)


async def failing_snapshots(admin: Redis) -> None:
    """Let a snapshot fail, after which a server that saves takes no writes."""
    await admin.config_set("save", "3600 1")
    with suppress(ResponseError):
        await admin.execute_command("BGSAVE")
    while (await admin.info("persistence"))["rdb_last_bgsave_status"] != "err":
        await asyncio.sleep(0.05)


async def script_that_never_ends(admin: Redis) -> None:
    await admin.config_set("busy-reply-threshold", "1")
    running = asyncio.ensure_future(admin.eval("while true do end", 0))
    running.add_done_callback(lambda task: task.cancelled() or task.exception())
    while not await busy(admin):
        await asyncio.sleep(0.05)


async def killed_script(admin: Redis) -> None:
    await admin.execute_command("SCRIPT", "KILL")
    while await busy(admin):
        await asyncio.sleep(0.05)


async def busy(admin: Redis) -> bool:
    try:
        await admin.get("x")
    except ResponseError as error:
        return "BUSY" in str(error)
    return False


async def other_password(admin: Redis) -> None:
    await admin.execute_command("ACL", "SETUSER", "writer", "resetpass", ">rotated")
    await admin.client_kill_filter(user="writer")


async def stale_again(admin: Redis) -> None:
    await admin.execute_command("REPLICAOF", "NO", "ONE")
    await admin.config_set("replica-serve-stale-data", "yes")


WRITER = ("ACL", "SETUSER", "writer", "on", "resetpass", ">secret", "~*", "+@all")
MASTER = command("REPLICAOF", "NO", "ONE")
# what happens to the server, what it replies then, and what heals it
OUTAGES: dict[str, tuple[Change, str, Change]] = {
    "read-only replica": (read_only, "READONLY", MASTER),
    "replica without master": (stale, "MASTERDOWN", stale_again),
    "memory": (setting("maxmemory", "1"), "OOM", setting("maxmemory", "0")),
    "no replicas": (
        setting("min-replicas-to-write", "1"), "NOREPLICAS", setting("min-replicas-to-write", "0"),
    ),
    "snapshots": (failing_snapshots, "MISCONF", setting("stop-writes-on-bgsave-error", "no")),
    "script": (script_that_never_ends, "BUSY", killed_script),
    "command taken away": (
        command("ACL", "SETUSER", "writer", "-hset"), "NOPERM",
        command("ACL", "SETUSER", "writer", "+hset"),
    ),
    "keys taken away": (
        command("ACL", "SETUSER", "writer", "resetkeys", "~other"), "NOPERM",
        command("ACL", "SETUSER", "writer", "~*"),
    ),
    "password rotated": (other_password, "WRONGPASS", command(*WRITER)),
    "user switched off": (
        command("ACL", "DELUSER", "writer"), "WRONGPASS", command(*WRITER),
    ),
}  # fmt: skip


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[tuple[RedisReports, Redis]]:
    """Give the storage, logged in as `writer`, and a client that may do everything."""
    # a snapshot cannot take the place of a folder
    (folder / "folder").mkdir()
    with RedisServer(folder, "--dbfilename", "folder") as server:
        config = RedisConfig(
            endpoint=f"127.0.0.1:{server.port}", username="writer", password="secret",
            timeout_seconds=2,
        )  # fmt: skip
        async with Redis(port=server.port, protocol=2) as admin:
            await admin.execute_command(*WRITER)
            reports = RedisReports(connect(config))
            try:
                await reports.store([report("before")])
                yield reports, admin
            finally:
                await reports.close()


@pytest.mark.parametrize("name", OUTAGES)
async def test_what_is_no_fault_of_a_record_is_unavailable(name: str, tmp_path: Path) -> None:
    breaks, code, heals = OUTAGES[name]
    async with writing(tmp_path) as (reports, admin):
        await breaks(admin)
        for _ in range(2):
            with pytest.raises(Unavailable, match=rf"^redis: .*{code}") as told:
                await reports.store([report("r")])
            # the command is the text of a message
            assert "organization:" not in str(told.value)
        await heals(admin)
        assert await reports.store([report("r")]) == [True]


async def test_a_cluster_without_slots_is_unavailable(tmp_path: Path) -> None:
    with RedisServer(tmp_path, "--cluster-enabled", "yes") as server:
        reports = RedisReports(connect(RedisConfig(endpoint=f"127.0.0.1:{server.port}")))
        with pytest.raises(Unavailable, match="CLUSTERDOWN"):
            await reports.store([report("r")])
        await reports.close()


async def test_a_server_that_asks_for_a_password_is_unavailable(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with Redis(port=server.port) as admin:
            await admin.config_set("requirepass", "secret")
        config = RedisConfig(endpoint=f"127.0.0.1:{server.port}")
        reports = RedisReports(connect(config))
        with pytest.raises(Unavailable, match="NOAUTH"):
            await reports.store([report("r")])
        await reports.close()
        reports = RedisReports(connect(replace(config, password="other")))
        with pytest.raises(Unavailable, match="WRONGPASS"):
            await reports.store([report("r")])
        await reports.close()


async def test_a_name_that_is_another_requests_hash_is_the_records_fault(tmp_path: Path) -> None:
    async with writing(tmp_path) as (reports, _):
        assert await reports.store([report("r:reports")]) == [True]
        with pytest.raises(RecordRejected, match=r"^redis: WRONGTYPE"):
            await reports.store([report("r")])


async def test_text_that_cannot_be_encoded_is_the_records_fault(tmp_path: Path) -> None:
    async with writing(tmp_path) as (reports, _):
        with pytest.raises(RecordRejected, match="surrogates"):
            await reports.store([report("\ud800")])


async def test_a_connection_closed_while_idle_is_opened_again_at_once(tmp_path: Path) -> None:
    async with writing(tmp_path) as (reports, admin):
        await admin.client_kill_filter(user="writer")
        assert await reports.store([report("r")]) == [True]


async def test_a_server_that_does_not_answer_is_unavailable_in_time(tmp_path: Path) -> None:
    async with writing(tmp_path) as (reports, admin):
        await admin.client_pause(60_000)
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable, match=r"^redis: [Tt]imeout"):
                await reports.store([report("r")])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"password": "other"}, "WRONGPASS"), ({"database": 9}, "out of range"), ({}, "Connect")],
)
async def test_a_server_that_cannot_be_used_is_told_before_the_first_message(
    wrong: dict[str, Any],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(cache_check, "FIRST_PAUSE", 0.01)
    with RedisServer(tmp_path, "--databases", "4") as server:
        # without a password of its own a server may accept any
        async with Redis(port=server.port) as admin:
            await admin.config_set("requirepass", "secret")
        port = server.port if wrong else free_port()
        config = RedisConfig(endpoint=f"127.0.0.1:{server.port}", password="secret")
        right = RedisReports(connect(config))
        reports = RedisReports(connect(replace(config, endpoint=f"127.0.0.1:{port}", **wrong)))
        used = [reports]
        check = cache_check.CacheCheck(lambda: used[0].check())
        assert check.readiness() == "redis: not connected yet"
        with caplog.at_level("INFO", "aggregator.db.cache_check"):
            check.start()
            async with asyncio.timeout(20):
                while reason not in check.readiness():
                    await asyncio.sleep(0.01)
                used[0] = right
                while check.readiness():
                    await asyncio.sleep(0.01)
        await reports.close()
        await right.close()
    first, last = [record.getMessage() for record in caplog.records]
    assert first.startswith("waiting for Redis: redis: ")
    assert reason in first
    assert last == "Redis is available"


async def test_the_service_is_not_ready_before_redis_has_answered() -> None:
    noop, redis = StorageConfig(type="noop"), StorageConfig(type="redis")
    broker = BrokerConfig(enabled=True, addresses=("127.0.0.1:1",))
    config = Config(
        broker=broker, ocp_recommendations_storage=redis, dvo_recommendations_storage=noop
    )
    assert "redis: not connected yet" in await Service(config).processes.readiness()
