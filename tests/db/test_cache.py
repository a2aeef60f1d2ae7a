"""The Redis storage on a Redis server: a real one where it is named, else an embedded Valkey."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from aggregator.config.options import RedisConfig
from aggregator.db.cache import TTL_SECONDS, RedisReports, connect
from aggregator.errors import Unavailable
from aggregator.model import (
    ClusterId,
    ErrorKey,
    Hit,
    OrgId,
    Report,
    RuleId,
)
from tests.services import redis_url

RULE = RuleId("lab_rules.alpha.report")


def report(request: str) -> Report:
    return Report(
        org=OrgId(1001),
        cluster=ClusterId("96bbd016-04ee-5798-b0ec-4100cc33876f"),
        text="{}",
        hits=(Hit(RULE, ErrorKey("A"), "{}"), Hit(RULE, ErrorKey("B"), "{}")),
        last_checked_at=datetime(2025, 3, 1, 10),
        request_id=request,
        gathered_text="2025-03-01T09:30:00+02:00",
    )


async def test_a_report_is_kept_for_a_day_under_its_request() -> None:
    request = uuid4().hex
    with redis_url() as url:
        client = Redis.from_url(url, decode_responses=True)
        try:
            assert await RedisReports(client).store([report(request), report(request + "x")]) == [
                True,
                True,
            ]
            cluster = "96bbd016-04ee-5798-b0ec-4100cc33876f"
            key = f"organization:1001:cluster:{cluster}:request:{request}"
            await RedisReports(client).check()
            assert await client.get(key) == ""
            fields = await client.hgetall(f"{key}:reports")
            assert fields.pop("processed_timestamp").endswith("Z")
            assert fields == {
                "request_id": request,
                "cluster_id": cluster,
                "org_id": "1001",
                "received_timestamp": "2025-03-01T09:30:00+02:00",
                "rule_hits": "lab_rules.alpha|A,lab_rules.alpha|B",
            }
            for name in (key, f"{key}:reports", f"{key}x:reports"):
                assert TTL_SECONDS - 60 < await client.ttl(name) <= TTL_SECONDS
        finally:
            await client.aclose()


async def test_a_server_that_is_away_is_unavailable() -> None:
    reports = RedisReports(connect(RedisConfig(endpoint="127.0.0.1:1")))
    with pytest.raises(Unavailable, match=r"^redis: "):
        await reports.store([report("r")])
    with pytest.raises(Unavailable, match=r"^redis: "):
        await reports.check()
    await reports.close()
