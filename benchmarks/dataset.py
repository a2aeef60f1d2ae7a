"""The data set of the REST measurements: clusters with about three hits each, in one database."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.db.reports import SqlReports
from aggregator.ingest.decode.ocp import OcpDecoder
from testing.messages import ocp_messages

SEED = 7
ORGANIZATIONS = 200
BATCH = 500
MESSAGE_BYTES = 1 << 20


@dataclass(frozen=True)
class Sample:
    """What requests can be made of: clusters by organization, and hits.

    `hits` are (organization, cluster, rule, error key).
    """

    clusters: dict[int, list[str]]
    hits: list[tuple[int, str, str, str]]


def fill(location: sa.URL, clusters: int) -> None:
    """Bring the database to the latest schema and store one report of every cluster."""
    asyncio.run(_fill(location, clusters))


def sample(location: sa.URL) -> Sample:
    """Return what the database holds, always in the same order."""
    return asyncio.run(_sample(location))


def _driver(location: sa.URL) -> sa.URL:
    sqlite = location.get_backend_name() == "sqlite"
    return location.set(drivername="sqlite+aiosqlite" if sqlite else "postgresql+asyncpg")


async def _fill(location: sa.URL, clusters: int) -> None:
    engine = open_url(_driver(location))
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    reports = SqlReports(Database(engine))
    decoder = OcpDecoder(None, MESSAGE_BYTES)
    messages = ocp_messages(SEED, clusters=clusters, organizations=ORGANIZATIONS)
    left = clusters
    while left > 0:
        size = min(left, BATCH)
        decoded = [decoder.decode(value).report for value in itertools.islice(messages, size)]
        await reports.store([report for report in decoded if report is not None])
        left -= size
    await _settle(engine)
    await engine.dispose()


async def _settle(engine: AsyncEngine) -> None:
    """Do now what autovacuum and the checkpointer would do during the first measurements."""
    sqlite = engine.dialect.name == "sqlite"
    async with engine.connect() as conn:
        outside = await conn.execution_options(isolation_level="AUTOCOMMIT")
        for statement in ("ANALYZE",) if sqlite else ("VACUUM ANALYZE", "CHECKPOINT"):
            await outside.execute(sa.text(statement))


async def _sample(location: sa.URL) -> Sample:
    engine = open_url(_driver(location))
    clusters: dict[int, list[str]] = {}
    async with engine.connect() as conn:
        for org, name in await conn.execute(
            sa.text("SELECT org_id, cluster FROM report ORDER BY org_id, cluster")
        ):
            clusters.setdefault(org, []).append(name)
        hits = await conn.execute(
            sa.text(
                "SELECT org_id, cluster_id, rule_fqdn, error_key FROM rule_hit"
                " ORDER BY org_id, cluster_id, rule_fqdn, error_key"
            )
        )
        found = [(row[0], row[1], row[2], row[3]) for row in hits]
    await engine.dispose()
    return Sample(clusters, found)
