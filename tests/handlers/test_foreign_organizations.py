"""Every operation of openapi.json, asked by another organization: nothing shown or changed."""

from __future__ import annotations

import asyncio
import base64
import http.client
import itertools
import json
import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from aggregator.db.tables import metadata
from aggregator.model import Vote
from aggregator.storage import Storage
from testing.contract.sample_data import (
    ANN,
    BILLING,
    CLUSTER,
    HIT,
    KEY,
    NOON,
    ORG,
    OTHER_CLUSTER,
    RULE,
    UNKNOWN_CLUSTER,
    two_clusters,
    workloads,
)

from .test_small_aggregates import PREFIX, service

OWNER, ASKING, UNKNOWN = 101, 102, 103
SECRET = "a text of the owner"
PATHS: dict[str, Any] = json.loads((files("aggregator") / "schemas/openapi.json").read_bytes())[
    "paths"
]
# answers that are the same for all; the list of organizations is for debugging
OPEN = ("/openapi.json", "/metrics", "/organizations")
OPERATIONS = [
    (method.upper(), path)
    for path, item in PATHS.items()
    for method in item
    if method in ("get", "put", "post", "delete", "options")
]
NAMING_CLUSTER = re.compile(r"\{(cluster|clusters|cluster_list)\}")
NAMING_ORG = re.compile(r"\{(org_id|organization|organizations)\}")
# without these nothing below says anything
assert any(NAMING_CLUSTER.search(path) for _, path in OPERATIONS)
assert any(NAMING_ORG.search(path) for _, path in OPERATIONS)


def filled(path: str, org: int, cluster: str) -> str:
    """Return the path with its parameters filled in."""
    fill = {
        "org_id": str(org), "organization": str(org), "organizations": str(org),
        "cluster": cluster, "clusters": cluster, "cluster_list": cluster,
        "rule_id": RULE, "error_key": KEY, "rule_selector": f"{RULE}|{KEY}",
        "user_id": ANN, "namespace": BILLING,
    }  # fmt: skip
    if path.startswith("/organizations/{org_id}/clusters/{cluster}/users/{user_id}/rules"):
        fill["rule_id"] = f"{RULE}|{KEY}"
    return re.sub(r"\{(\w+)\}", lambda name: quote(fill[name[1]], safe=""), path)


def bodies(method: str, cluster: str) -> list[Any]:
    """Return bodies of which one is right for each operation."""
    if method != "POST":
        return [None]
    rating = {"rule": f"{RULE}|{KEY}", "rating": -1}
    return [[cluster], {"clusters": [cluster]}, {"message": "x", "justification": "x"}, rating]


def ask(port: int, method: str, path: str, body: Any) -> tuple[int, list[tuple[str, str]], str]:
    """Return status, headers, and text of an answer to organization 102."""
    identity = {"identity": {"org_id": str(ASKING)}}
    token = base64.b64encode(json.dumps(identity).encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    data = None if body is None else json.dumps(body)
    connection.request(method, PREFIX.rstrip("/") + path, data, {"x-rh-identity": token})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    # an entity tag is the hash of the text, which names the cluster that was asked for
    headers = [pair for pair in answer.getheaders() if pair[0] not in ("Date", "Etag")]
    return answer.status, headers, text


def rows_of_owner(file: Path) -> dict[str, list[Any]]:
    """Return the rows of every table that belong to organization 101, or to none."""
    found = {}
    with sqlite3.connect(file) as database:
        for table in metadata.tables.values():
            where = f" WHERE org_id = '{OWNER}'" if "org_id" in table.c else ""
            query = f"SELECT * FROM {table.name}{where}"  # noqa: S608 - names of our own tables
            found[table.name] = sorted(database.execute(query), key=repr)
    database.close()
    return found


async def store_something_everywhere(storage: Storage) -> None:
    """Give organization 101 a row in each table that the API shows."""
    await two_clusters(storage)
    await storage.dvo.store([workloads(NOON, BILLING)])
    await storage.votes.put(ORG, ANN, HIT, Vote.LIKE, SECRET)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.feedback.put(ORG, ANN, HIT, SECRET)
    await storage.acks.put(ORG, RULE, KEY, SECRET)
    await storage.ratings.put(ORG, RULE, KEY, 1)


def questions() -> Iterator[tuple[str, str, int]]:
    """Yield operations with the organization that their path names."""
    for (method, path), org in itertools.product(OPERATIONS, (OWNER, ASKING)):
        if path not in OPEN:
            yield method, path, org


@pytest.mark.parametrize("debug", [True, False])
async def test_nothing_of_another_organization_is_shown_or_changed(
    tmp_path: Path, debug: bool
) -> None:
    async with service(tmp_path, auth=True, debug=debug) as (storage, call):
        port = call.keywords["port"]
        await store_something_everywhere(storage)
        before = rows_of_owner(tmp_path / "a.db")
        assert sum(bool(rows) for rows in before.values()) >= 8
        for method, path, org in questions():
            for body, unknown in zip(
                bodies(method, CLUSTER), bodies(method, UNKNOWN_CLUSTER), strict=True
            ):
                where = (method, path, org, body)
                shown = await asyncio.to_thread(ask, port, method, filled(path, org, CLUSTER), body)
                assert SECRET not in shown[2], where
                assert OTHER_CLUSTER not in shown[2], where
                if org == OWNER:
                    other = filled(path, UNKNOWN, CLUSTER)
                    twin = await asyncio.to_thread(ask, port, method, other, body)
                else:
                    twin = await asyncio.to_thread(
                        ask, port, method, filled(path, org, UNKNOWN_CLUSTER), unknown
                    )
                if path != "/organizations/{organizations}":
                    text = twin[2].replace(UNKNOWN_CLUSTER, CLUSTER)
                    assert shown == (*twin[:2], text), where
        assert rows_of_owner(tmp_path / "a.db") == before
