"""A missing server is a skip on a desk and a failure in CI."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.services import redis_url, require


def test_a_missing_server_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KAFKA_BROKERS", raising=False)
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="TEST_KAFKA_BROKERS"):
        require("kafka")


def test_a_missing_server_fails_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KAFKA_BROKERS", raising=False)
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="TEST_KAFKA_BROKERS"):
        require("kafka")


def test_a_named_server_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KAFKA_BROKERS", "kafka:9092")
    assert require("kafka") == "kafka:9092"


async def test_some_redis_answers_in_any_case() -> None:
    with redis_url() as address:
        async with Redis.from_url(address) as client:
            assert await client.ping()
