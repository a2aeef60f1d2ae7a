"""A missing server is a skip on a desk and a failure in CI."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from tests.databases import postgres_server_url
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


def test_postgresql_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", "none")
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="TEST_POSTGRES_URL"):
        postgres_server_url()
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="TEST_POSTGRES_URL"):
        postgres_server_url()


def test_each_worker_of_a_parallel_run_has_its_own_redis_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_REDIS_URL", "redis://redis:6379/9")
    found = []
    for worker in range(4):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{worker}")
        with redis_url() as address:
            found.append(address)
    assert found == [f"redis://redis:6379/{number}" for number in (9, 10, 11, 12)]


async def test_some_redis_answers_in_any_case() -> None:
    with redis_url() as address:
        async with Redis.from_url(address) as client:
            assert await client.ping()
