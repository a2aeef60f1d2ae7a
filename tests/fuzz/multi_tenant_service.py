"""A service over the data of several organizations, which one token must not leave."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.config.options import Config, StorageConfig
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.service import Service
from tests.golden import rest_cases

PREFIX = "/api/insights-results-aggregator/v1"
ORG = 101
DESCRIPTION = Path(__file__).parents[2] / "aggregator" / "schemas" / "openapi.json"
STATE = Path(rest_cases.__file__).parent / "rest" / "state-main.json"


def token() -> str:
    """Return the token of organization 101."""
    user = {"username": "u", "email": "u@example.com", "user_id": "user-1"}
    identity = {"account_number": "1", "org_id": str(ORG), "type": "User", "user": user}
    return base64.b64encode(json.dumps({"identity": identity}).encode()).decode()


def clusters() -> tuple[list[str], list[str]]:
    """Return the clusters of organization 101, and those of all others."""
    tables = json.loads(STATE.read_text())
    rows = [row for name in ("report", "dvo.dvo_report") for row in tables[name]]
    owned = {(row.get("cluster") or row["cluster_id"], row["org_id"]) for row in rows}
    return (
        sorted(cluster for cluster, org in owned if org == ORG),
        sorted(cluster for cluster, org in owned if org != ORG),
    )


async def rows_of_others(engine: AsyncEngine) -> dict[str, list[str]]:
    """Return all rows of other organizations, by table."""
    found = {}
    async with engine.connect() as conn:
        for table in rest_cases.TABLES:
            if "org_id" not in table.c or table.name == "consumer_error":
                continue
            mine = sa.cast(table.c.org_id, sa.String) == str(ORG)
            rows = (await conn.execute(sa.select(table).where(~mine))).all()
            found[table.name] = sorted(map(repr, rows))
    return found


@asynccontextmanager
async def service(
    folder: Path, section: StorageConfig | None = None, **server: Any
) -> AsyncIterator[tuple[int, AsyncEngine]]:
    """Serve the state `main`, on SQLite unless told otherwise; yield the port and an engine."""
    section = section or StorageConfig(sqlite_datasource=str(folder / "fuzz.db"))
    base = Config()
    options: dict[str, Any] = {"debug": True, **server}
    options |= {"address": "127.0.0.1:0", "api_prefix": PREFIX + "/"}
    config = dataclasses.replace(
        base,
        server=dataclasses.replace(base.server, **options),
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
    )
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await rest_cases.load(engine, "main")
    running = Service(config)
    await running.start()
    try:
        yield running.port, engine
    finally:
        await running.stop()
        await engine.dispose()
