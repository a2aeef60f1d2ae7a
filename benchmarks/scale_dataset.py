"""The data set of the scale measurement: clusters loaded with COPY, requests and messages."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from benchmarks.databases import execute
from benchmarks.dataset import ORGANIZATIONS, SEED
from benchmarks.endpoints import Request
from testing.bulk import copy
from testing.fixtures import DataSet
from testing.messages import ocp_messages

# number of organizations of the given size, and of different lists of clusters, in requests
CHOICE = 20
STAYS, COMES = 0.85, 0.5
OLD = timedelta(days=100)


@dataclass(frozen=True)
class FleetSample:
    """A sample of a database: random clusters with their reports, and organizations.

    `lists` are organizations, each with some of its clusters; `near` are those of about that size.
    """

    clusters: Sequence[tuple[int, str, str]]
    lists: Sequence[tuple[int, list[str]]]
    near: Sequence[int]
    rules: Sequence[str]


def fill(location: sa.URL, clusters: int) -> None:
    """Bring the database to the latest schema, and copy a report of every cluster into it."""
    asyncio.run(_fill(location, clusters))


async def _fill(location: sa.URL, clusters: int) -> None:
    url = location.set(drivername="postgresql+asyncpg")
    engine = open_url(url)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    start = datetime.now(UTC) - timedelta(seconds=clusters)
    made = DataSet(seed=SEED, organizations=ORGANIZATIONS, clusters=clusters, start=start)
    await copy(url.render_as_string(hide_password=False), made)


def sample(location: sa.URL, wanted: int, listed: int) -> FleetSample:
    """Return `wanted` random clusters, and lists of clusters of one organization each."""
    chance = random.Random(SEED)
    total = execute(location, "SELECT count(*) FROM report")[0][0]
    share = min(100.0, 110 * wanted / total)
    rows = execute(
        location,
        "SELECT org_id, cluster, report FROM report"
        " TABLESAMPLE BERNOULLI ($1) WHERE reported_at > now() - interval '1 day'",
        share,
    )
    clusters = [(row[0], row[1], row[2]) for row in rows]
    chance.shuffle(clusters)
    sizes = {
        row[0]: row[1]
        for row in execute(location, "SELECT org_id, count(*) FROM report GROUP BY 1 ORDER BY 1")
    }
    near = sorted(sizes, key=lambda org: abs(sizes[org] - listed))[:CHOICE]
    near = [org for org in near if abs(sizes[org] - listed) <= listed / 4] or near[:1]
    large = [org for org in sizes if sizes[org] >= listed] or near
    lists: list[tuple[int, list[str]]] = []
    for org in chance.choices(large, k=CHOICE):
        names = execute(
            location,
            "SELECT cluster FROM report WHERE org_id = $1 ORDER BY md5($3 || cluster) LIMIT $2",
            org, listed, str(len(lists)),
        )  # fmt: skip
        lists.append((org, [row[0] for row in names]))
    rules = execute(
        location, "SELECT DISTINCT rule_id FROM recommendation WHERE org_id = $1", near[0]
    )
    if not clusters:
        sys.exit("there is no report of today to be read, or to be replaced")
    return FleetSample(clusters[:wanted], lists, near, sorted(row[0] for row in rules))


def requests(sampled: FleetSample) -> dict[str, list[Request]]:
    """Return requests by endpoint."""
    by_rule = "recommendations/organizations/{}/users/u/list"
    by_cluster = "clusters/organizations/{}/users/u/recommendations"
    detail = "rules/{}/organizations/{}/users/u/clusters_detail"
    return {
        "report": [
            Request("GET", f"organizations/{org}/clusters/{cluster}/users/u/report")
            for org, cluster, _ in sampled.clusters
        ],
        "clusters of an organization": [
            Request("GET", f"organizations/{org}/clusters") for org in sampled.near
        ],
        "recommendations by rule": [
            Request("POST", by_rule.format(org), json.dumps(names)) for org, names in sampled.lists
        ],
        "recommendations by cluster": [
            Request("POST", by_cluster.format(org), json.dumps(names))
            for org, names in sampled.lists
        ],
        "clusters of a rule": [
            Request("GET", detail.format(rule.replace("|", "%7C"), org))
            for org in sampled.near
            for rule in sampled.rules
        ],
    }


def again(sampled: FleetSample, seed: int) -> Iterator[bytes]:
    """Yield newer reports of the clusters without end: most hits stay, some change."""
    chance = random.Random(seed)
    moment = datetime.now(UTC)
    before: list[Any] = []
    while True:
        for org, cluster, report_text in sampled.clusters:
            report = json.loads(report_text)
            stored = report["reports"]
            report["reports"] = [hit for hit in stored if chance.random() < STAYS]
            present = {(hit["component"], hit["key"]) for hit in stored}
            for hit in before[:1]:
                if (hit["component"], hit["key"]) not in present and chance.random() < COMES:
                    report["reports"].append(hit)
            before = stored or before
            moment += timedelta(milliseconds=1)
            yield json.dumps(
                {
                    "OrgID": org,
                    "AccountNumber": 1,
                    "ClusterName": cluster,
                    "LastChecked": text(moment),
                    "Version": 2,
                    "RequestId": f"{chance.getrandbits(128):032x}",
                    "Report": report,
                },
                separators=(",", ":"),
            ).encode()


def text(moment: datetime) -> str:
    """Return the time in the format of messages."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new(messages: int, seed: int) -> Iterator[bytes]:
    """Yield the first reports of new clusters."""
    made = ocp_messages(seed, clusters=messages, organizations=ORGANIZATIONS)
    return islice(made, messages)


def age(location: sa.URL, share: int, sampled: FleetSample) -> int:
    """Age one of `share` reports outside the sample; return how many.

    They are spread over the whole table. All of it is on the disk at the end.
    """
    execute(
        location,
        "UPDATE report SET reported_at = reported_at - $1::interval"
        " WHERE abs(hashtext(cluster)) % $2 = 0 AND cluster <> ALL ($3)",
        OLD, share, [cluster for _, cluster, _ in sampled.clusters],
    )  # fmt: skip
    execute(location, "VACUUM ANALYZE report")
    execute(location, "CHECKPOINT")
    rows = execute(
        location, "SELECT count(*) FROM report WHERE reported_at < now() - interval '50 days'"
    )
    return int(rows[0][0])
