"""Votes, toggles, acks, ratings and workloads over HTTP, where the recorded cases do not reach."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import functools
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.options import Config, StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.model import Vote
from aggregator.service import Service
from aggregator.storage import Storage
from testing.contract.sample_data import (
    ANN,
    BILLING,
    CLUSTER,
    HIT,
    KEY,
    NOON,
    ORG,
    OTHER_HIT,
    OTHER_KEY,
    RULE,
    UNKNOWN_CLUSTER,
    two_clusters,
    workloads,
)

PREFIX = "/api/insights-results-aggregator/v1/"
OF_2020 = f"clusters/{CLUSTER}/rules/{RULE}/users/ann"
OF_HIT = f"clusters/{CLUSTER}/rules/{RULE}/error_key/{KEY}/organizations"
OF_RULE = f"rules/{RULE}/error_key/{KEY}/organizations"
FOREIGN = "you have no permissions to get or change info about this organization"
FOREIGN_IN_GO = "you have no permissions to get or change info about the organization with ID "
OWN_IN_GO = "you can access info about organization with ID "
Call = functools.partial[Any]


def _call(port: int, method: str, path: str, body: Any = None, org: int | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {}
    if org is not None:
        identity = {"identity": {"org_id": str(org)}}
        headers["x-rh-identity"] = base64.b64encode(json.dumps(identity).encode()).decode()
    data = None if body is None else json.dumps(body)
    connection.request(method, PREFIX + path, data, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    is_json = "json" in answer.getheader("Content-Type", "")
    return answer.status, json.loads(text) if is_json else text


@asynccontextmanager
async def service(
    folder: Path, *, auth: bool = False, debug: bool = True, **options: Any
) -> AsyncIterator[tuple[Storage, Call]]:
    """Serve a database of two clusters; give its storage and a way to call the service.

    `options` are other options of the server.
    """
    base = Config()
    server = dataclasses.replace(
        base.server,
        address="127.0.0.1:0",
        api_prefix=PREFIX,
        debug=debug,
        auth=auth,
        **options,
    )
    section = StorageConfig(db_driver="sqlite3", sqlite_datasource=str(folder / "a.db"))
    config = dataclasses.replace(
        base,
        server=server,
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
    )
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    storage, health = sql.build(config)
    one = Service(config)
    await one.start()
    loop = asyncio.get_running_loop()

    async def send(
        method: str, path: str, body: Any = None, org: int | None = None, *, port: int
    ) -> Any:
        return await loop.run_in_executor(None, _call, port, method, path, body, org)

    call = functools.partial(send, port=one.port)

    try:
        await two_clusters(storage)
        yield storage, call
    finally:
        await one.stop()
        await health.close()


async def test_a_vote_of_2020_is_on_every_key_that_hits(tmp_path: Path) -> None:
    async with service(tmp_path) as (storage, call):
        assert await call("PUT", OF_2020 + "/like", {"message": "x"}) == (200, {"status": "ok"})
        assert await storage.votes.get(ANN, HIT) is Vote.LIKE
        assert await storage.votes.get(ANN, OTHER_HIT) is Vote.LIKE
        await storage.votes.put(ORG, ANN, HIT, Vote.DISLIKE, "")
        shown = await call("GET", OF_2020 + "/get_vote")
        assert shown == (200, {"status": "ok", "vote": -1})


async def test_a_vote_of_2020_on_a_rule_that_does_not_hit(tmp_path: Path) -> None:
    async with service(tmp_path) as (_, call):
        path = f"clusters/{CLUSTER}/rules/a.b/users/ann"
        missing = f"Item with ID {CLUSTER}/a.b/ann was not found in the storage"
        assert await call("GET", path + "/get_vote") == (404, {"status": missing})
        assert await call("PUT", path + "/dislike") == (200, {"status": "ok"})
        assert await call("GET", path + "/get_vote") == (200, {"status": "ok", "vote": -1})
        unknown = path.replace(CLUSTER, UNKNOWN_CLUSTER)
        assert (await call("PUT", unknown + "/like"))[0] == 404


async def test_a_toggle_of_2020_is_on_every_key_that_hits(tmp_path: Path) -> None:
    async with service(tmp_path) as (storage, call):
        assert await call("PUT", OF_2020 + "/disable") == (200, {"status": "ok"})
        disabled = await storage.toggles.disabled_rules(ORG)
        assert [toggle.hit.error_key for toggle in disabled] == [OTHER_KEY, KEY]
        assert (await call("PUT", OF_2020 + "/enable"))[0] == 200
        assert await storage.toggles.disabled_rules(ORG) == []


@pytest.mark.parametrize("query", ["", "?", "?a=%zz"])
async def test_a_redirect_keeps_the_query_as_it_is(tmp_path: Path, query: str) -> None:
    async with service(tmp_path) as (_, call):
        status, text = await call("GET", f"info/{query}")
        assert (status, text) == (
            301,
            f'<a href="{PREFIX}info{query}">Moved Permanently</a>.\n\n',
        )


async def test_votes_and_ratings_are_counted(tmp_path: Path) -> None:
    async with service(tmp_path) as (_, call):
        user = f"{OF_HIT}/101/users/ann"
        await call("PUT", user + "/like")
        await call("POST", user + "/disable_feedback", {"message": "because"})
        await call("POST", user + "/disable_feedback")
        await call("POST", "rules/organizations/101/rating", {"rule": "a.b|C", "rating": 1})
        _, text = await call("GET", "metrics")
        assert "feedback_on_rules 2" in text
        assert "rating_on_rules 1" in text


@pytest.mark.parametrize("rating", [2, -2, 5, 70_000])
async def test_other_ratings_are_refused(tmp_path: Path, rating: int) -> None:
    async with service(tmp_path) as (_, call):
        body = {"rule": "a.b|C", "rating": rating}
        answer = await call("POST", "rules/organizations/101/rating", body)
        assert answer == (400, {"status": "invalid rating"})


async def test_a_rating_beyond_64_bits_is_of_a_bad_type(tmp_path: Path) -> None:
    async with service(tmp_path) as (_, call):
        body = {"rule": "a.b|C", "rating": 2**70}
        answer = await call("POST", "rules/organizations/101/rating", body)
        assert answer == (400, {"status": "bad type in json data"})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"{OF_HIT}/102/users/ann/like", None),
        ("PUT", f"{OF_HIT}/102/disable", None),
        ("POST", f"{OF_HIT}/102/users/ann/disable_feedback", {"message": ""}),
        ("GET", "rules/organizations/102/disabled", None),
        ("POST", "rules/organizations/102/disabled_for_clusters", []),
        ("GET", f"clusters/{OF_RULE}/102/disabled", None),
        ("PUT", f"{OF_RULE}/102/disable", {}),
        ("PUT", f"{OF_RULE}/102/enable", None),
        ("POST", f"{OF_RULE}/102/update", {}),
        ("GET", f"{OF_RULE}/102/", None),
        ("GET", "rules/organizations/102/disabled_system_wide", None),
        ("POST", "rules/organizations/102/rating", {"rule": "a.b|C", "rating": 1}),
        ("GET", "rules/a.b%7CC/organizations/102/rating", None),
        ("GET", "organization/102/workloads", None),
        ("POST", "organization/102/workloads", []),
        ("GET", f"organization/102/namespace/{BILLING}/cluster/{CLUSTER}/workloads", None),
    ],
)
async def test_a_token_opens_its_own_organization_only(
    tmp_path: Path, method: str, path: str, body: Any
) -> None:
    async with service(tmp_path, auth=True) as (storage, call):
        await storage.dvo.store([workloads(NOON, BILLING)])
        status, answer = await call(method, path, body, 101)
        assert status == 403
        assert answer["status"] == FOREIGN
        assert (await call(method, path.replace("102", "101"), body, 101))[0] in (200, 404)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("strict", (404, {"status": f"Item with ID {CLUSTER} was not found in the storage"})),
        ("legacy", (403, {"status": f"{FOREIGN_IN_GO}101; {OWN_IN_GO}102"})),
    ],
)
@pytest.mark.parametrize("action", ["like", "disable"])
async def test_a_cluster_of_another_organization_is_not_changed_in_the_form_of_2020(
    tmp_path: Path, action: str, check: str, answer: Any
) -> None:
    async with service(tmp_path, auth=True, organization_check=check) as (_, call):
        assert await call("PUT", f"{OF_2020}/{action}", None, 102) == answer
        assert (await call("PUT", f"{OF_2020}/{action}", None, 101))[0] == 200
