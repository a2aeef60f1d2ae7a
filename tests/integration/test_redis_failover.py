"""The cache-writer while its Redis fails over: the address moves to a promoted replica."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from aggregator.config.options import RedisConfig
from aggregator.db.cache import RedisReports, connect
from aggregator.errors import Unavailable
from tests.db.test_cache import report
from tests.integration.program import free_port
from tests.integration.servers.redis import RedisServer
from tests.integration.stalling_proxy import StallingProxy


async def test_writes_go_on_at_the_promoted_replica(tmp_path: Path) -> None:
    address = free_port()
    with RedisServer(tmp_path / "master") as master:
        link = ("--replicaof", f"127.0.0.1 {master.port}")
        with RedisServer(tmp_path / "replica", *link) as replica:
            async with (
                Redis(port=master.port) as old,
                Redis(port=replica.port, decode_responses=True) as new,
                StallingProxy(master.port, port=address) as proxy,
            ):
                reports = RedisReports(connect(RedisConfig(endpoint=f"127.0.0.1:{address}")))
                # the connection for replication is opened in the background
                while (await old.info("replication"))["connected_slaves"] != 1:
                    await old.ping()
                assert await reports.store([report("before")]) == [True]
                assert await old.execute_command("WAIT", 1, 10_000) == 1

                master.kill()
                with pytest.raises(Unavailable, match=r"^redis: "):
                    await reports.store([report("during")])
                proxy.target = replica.port
                with pytest.raises(Unavailable, match="READONLY"):
                    await reports.store([report("during")])
                await new.execute_command("REPLICAOF", "NO", "ONE")
                # ingest retries the same batch until it is stored
                assert await reports.store([report("during")]) == [True]
                await reports.close()

                keys = await new.keys("organization:1001:*")
                assert {key.split(":")[5] for key in keys} == {"before", "during"}
