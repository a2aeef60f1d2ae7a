"""Every operation of openapi.json, asked by another organization: nothing shown or changed."""

from __future__ import annotations

import asyncio
import base64
import http.client
import itertools
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from aggregator.db.tables import metadata
from aggregator.model import ConsumerErrorRow, Vote
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
# answers that are the same for all
OPEN = ("/openapi.json", "/metrics")
Answer = tuple[int, list[tuple[str, str]], str]
OPERATIONS = [
    (method.upper(), path)
    for path, item in PATHS.items()
    for method in item
    if method in ("get", "put", "post", "delete", "options")
]
NAMING_CLUSTER = re.compile(r"\{(cluster|clusters|cluster_list)\}")
NAMING_ORG = re.compile(r"\{(org_id|organization|organizations)\}")
# with `organization_check: legacy`, as the Go service: it compares organizations only where an
# operation reads the clusters of an organization, or changes a hit, and names the owner then
LEGACY: dict[str, list[str]] = json.loads(Path(__file__).with_name("legacy_check.json").read_text())
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


KEY_OF_ISSUER = "k" * 64


def token(auth_type: str) -> tuple[str, str]:
    """Return the header that organization 102 sends."""
    claims = {"identity": {"org_id": str(ASKING)}}
    if auth_type == "jwt":
        return "Authorization", f"Bearer {jwt.encode(claims, KEY_OF_ISSUER, 'HS256')}"
    return "x-rh-identity", base64.b64encode(json.dumps(claims).encode()).decode()


@asynccontextmanager
async def served(folder: Path, auth_type: str, **options: Any) -> AsyncIterator[Any]:
    """Serve data of organization 101; give a way to ask as organization 102."""
    key = folder / "key"
    key.write_text(KEY_OF_ISSUER)
    if auth_type == "jwt":
        options |= {"jwt_key_file": str(key), "jwt_algorithms": ("HS256",)}
    async with service(folder, auth=True, auth_type=auth_type, **options) as (storage, call):
        await store_something_everywhere(storage)
        name, value = token(auth_type)
        loop = asyncio.get_running_loop()
        port = call.keywords["port"]

        async def send(method: str, path: str, body: Any = None) -> Answer:
            return await loop.run_in_executor(None, ask, port, method, path, body, {name: value})

        yield send


def ask(port: int, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
    """Return status, headers, and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    data = None if body is None else json.dumps(body)
    connection.request(method, PREFIX.rstrip("/") + path, data, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    # an entity tag is the hash of the text, which names the cluster that was asked for
    of_the_request = ("Date", "Etag", "X-Request-Id")
    shown = [pair for pair in answer.getheaders() if pair[0] not in of_the_request]
    return answer.status, shown, text


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
    row = ConsumerErrorRow("t", 0, 1, b"k", b"m", NOON, NOON, SECRET)
    await storage.consumer_errors.put([row])


def questions() -> Iterator[tuple[str, str, int]]:
    """Yield operations with the organization that their path names."""
    for (method, path), org in itertools.product(OPERATIONS, (OWNER, ASKING)):
        if path not in OPEN:
            yield method, path, org


def twins(method: str, path: str, org: int) -> Iterator[tuple[Any, str, str, Any]]:
    """Yield a body and path that name the owner's data, with such as name what does not exist."""
    known, unknown = bodies(method, CLUSTER), bodies(method, UNKNOWN_CLUSTER)
    for body, other in zip(known, known if org == OWNER else unknown, strict=True):
        twin = (UNKNOWN, CLUSTER) if org == OWNER else (ASKING, UNKNOWN_CLUSTER)
        yield body, filled(path, org, CLUSTER), filled(path, *twin), other


@pytest.mark.parametrize(
    ("auth_type", "debug"), [("xrh", True), ("xrh", False), ("jwt", True), ("jwt", False)]
)
async def test_nothing_of_another_organization_is_shown_or_changed(
    tmp_path: Path, auth_type: str, debug: bool
) -> None:
    async with served(tmp_path, auth_type, debug=debug) as send:
        before = rows_of_owner(tmp_path / "a.db")
        assert sum(bool(rows) for rows in before.values()) >= 10
        for method, path, org in questions():
            for body, known, unknown, other in twins(method, path, org):
                where = (method, path, org, body)
                shown = await send(method, known, body)
                for text in (SECRET, OTHER_CLUSTER, f"\\b{OWNER}\\b"):
                    assert not re.search(text, shown[2]), where
                twin = await send(method, unknown, other)
                if path != "/organizations/{organizations}":
                    text = twin[2].replace(UNKNOWN_CLUSTER, CLUSTER)
                    assert shown == (*twin[:2], text), where
        assert rows_of_owner(tmp_path / "a.db") == before


def restore(file: Path, copy: Path) -> None:
    """Bring a database to the state of its copy."""
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)


async def test_the_legacy_check_reveals_and_changes_only_what_the_go_service_does(
    tmp_path: Path,
) -> None:
    """An operation reveals if owner's data are answered otherwise than what does not exist."""
    file, copy = tmp_path / "a.db", tmp_path / "copy.db"
    revealed, changed = set(), set()
    async with served(tmp_path, "xrh", organization_check="legacy") as send:
        restore(copy, file)
        before = rows_of_owner(file)
        for method, path, org in questions():
            for body, known, unknown, other in twins(method, path, org):
                shown = await send(method, known, body)
                if rows_of_owner(file) != before:
                    changed.add(f"{method} {path}")
                    restore(file, copy)
                twin = await send(method, unknown, other)
                if rows_of_owner(file) != before:
                    restore(file, copy)
                text = twin[2].replace(UNKNOWN_CLUSTER, CLUSTER)
                text = text.replace(f'"{UNKNOWN}"', f'"{OWNER}"')
                named = org != OWNER and re.search(rf"\b{OWNER}\b", shown[2])
                if named or shown != (*twin[:2], text):
                    revealed.add(f"{method} {path}")
    assert {"reveals": sorted(revealed), "changes": sorted(changed)} == LEGACY
