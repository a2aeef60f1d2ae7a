"""The recorded groups of messages, through decoder, loop and storage: the same comes of them."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from aggregator.db.cache import TTL_SECONDS, RedisReports
from aggregator.db.engine import Database, open_url
from tests.db.stores import emptied, migrated_store
from tests.golden import ingest_cases
from tests.golden.ingest_cases import Replay
from tests.services import redis_url

GROUPS = ingest_cases.groups()
SENT = ingest_cases.messages()
DEPARTING = ingest_cases.departing()
# departures that show in one place only; any other may show everywhere
LETTERS, ROWS = 10, 11


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest) -> Iterator[str]:
    with migrated_store(request.param) as url:
        yield url


@asynccontextmanager
async def database(location: str) -> AsyncIterator[Database]:
    engine = open_url(location)
    await emptied(engine)
    opened = Database(engine)
    try:
        yield opened
    finally:
        await opened.close()


def as_recorded(group: dict[str, Any], told: dict[str, Any]) -> bool:
    """Say whether it is what the reference did, or what a successor should rather do."""
    if told == ingest_cases.without_hints(group["expected"]):
        return True
    better = ingest_cases.without_hints(group["better"]) if "better" in group else {"none": 1}
    return all(told.get(name) == value for name, value in better.items())


def without(departures: list[int], told: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a group without what these departures add to it."""
    told = copy.deepcopy(told)
    expected = group["expected"]
    if LETTERS in departures:
        for ours, theirs in zip(told["dead_letters"], expected["dead_letters"], strict=False):
            assert {name for name, _ in ours["headers"]} > {"x-error", "x-error-kind"}
            ours |= {"headers": theirs["headers"], "key": theirs["key"]}
    if ROWS in departures and "consumer_error" not in expected["tables"]:
        assert told["tables"].pop("consumer_error")
    return told


@pytest.mark.parametrize(
    "group",
    [group for group in GROUPS if group["profile"] != "cache"],
    ids=lambda group: group["group"],
)
async def test_the_same_comes_of_recorded_messages(group: dict[str, Any], location: str) -> None:
    async with database(location) as opened:
        replay = Replay(group["profile"], opened)
        await replay.run(SENT[group["group"]])
        told = await replay.told()
    departures = DEPARTING.get(group["group"], [])
    if not departures:
        assert as_recorded(group, told), told
        return
    assert not as_recorded(group, told), "it does not depart any more"
    if set(departures) <= {LETTERS, ROWS}:
        assert as_recorded(group, without(departures, told, group))


@pytest.mark.parametrize(
    "group",
    [group for group in GROUPS if group["profile"] == "cache"],
    ids=lambda group: group["group"],
)
async def test_the_same_is_cached_of_recorded_messages(
    group: dict[str, Any], location: str
) -> None:
    expected = group["expected"]
    async with database(location) as opened:
        with redis_url() as url:
            client = Redis.from_url(url, decode_responses=True)
            await client.flushdb()
            replay = Replay("cache", opened, RedisReports(client).store)
            await replay.run(SENT[group["group"]])
            cached: dict[str, Any] = {}
            for key in sorted(await client.keys("*")):
                kind = await client.type(key)
                assert TTL_SECONDS - 60 < await client.ttl(key) <= TTL_SECONDS
                value: Any = await (client.get(key) if kind == "string" else client.hgetall(key))
                cached[str(key)] = {"type": kind, "value": value, "ttl": "<24h>"}
            await client.aclose()
            told = await replay.told()
    for one in cached.values():
        if "processed_timestamp" in one["value"]:
            one["value"]["processed_timestamp"] = "<now, RFC 3339 nano, UTC Z>"
    assert cached == expected["redis"]
    for name in ("payload_tracker", "metrics_delta"):
        assert told[name] == expected[name]
