"""Our answers are the recorded ones, on both databases and in every mode."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.config.options import Config, StorageConfig
from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.service import Service
from tests.databases import fresh_database

from . import rest_cases

PREFIX = "/api/insights-results-aggregator/v1/"
MODES = ("noauth", "auth", "jwt", "nodebug", "noop")


def config(mode: str, storage: StorageConfig, folder: Path) -> Config:
    base = Config()
    (folder / "key").write_text("a secret of sufficient length for tests")
    server = dataclasses.replace(
        base.server,
        address="127.0.0.1:0",
        api_prefix=PREFIX,
        debug=mode != "nodebug",
        auth=mode in ("auth", "jwt"),
        auth_type="jwt" if mode == "jwt" else "xrh",
        jwt_key_file=str(folder / "key"),
        jwt_algorithms=("HS256",),
        organization_check="legacy",
    )
    kind = "noop" if mode == "noop" else "sql"
    section = dataclasses.replace(storage, type=kind)
    return dataclasses.replace(
        base,
        server=server,
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
    )


def storage_section(url: sa.URL) -> StorageConfig:
    """Return the options that lead to this PostgreSQL database."""
    return StorageConfig(
        db_driver="postgres",
        pg_username=url.username or "",
        pg_password=url.password or "",
        pg_host=url.host or str(url.query.get("host", "")),
        pg_port=url.port or 5432,
        pg_db_name=url.database or "",
    )


@asynccontextmanager
async def database(dialect: str, folder: Path) -> AsyncIterator[tuple[sa.URL, StorageConfig]]:
    if dialect == "sqlite":
        file = str(folder / "golden.db")
        section = StorageConfig(db_driver="sqlite3", sqlite_datasource=file)
        yield sa.URL.create("sqlite+aiosqlite", database=file), section
        return
    async with fresh_database() as text:
        url = sa.make_url(text)
        yield url, storage_section(url)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
async def test_recorded_requests_get_the_recorded_answers(
    dialect: str, mode: str, tmp_path: Path
) -> None:
    wrong: list[str] = []
    async with database(dialect, tmp_path) as (url, section):
        engine = open_url(url)
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
        service = Service(config(mode, section, tmp_path))
        await service.start()
        try:
            async for case, got, rows in _answers(service.port, mode, engine):
                wrong += _judged(case, got, rows)
        finally:
            await service.stop()
            await engine.dispose()
    assert not wrong, "\n".join(wrong)


async def _answers(port: int, mode: str, engine: Any) -> AsyncIterator[tuple[Any, Any, Any]]:
    loop = asyncio.get_running_loop()
    group = None
    for case in rest_cases.cases(mode):
        if case["group"] != group:
            group = case["group"]
            await rest_cases.load(engine, case["setup"])
        got = await loop.run_in_executor(None, rest_cases.send, port, PREFIX, case)
        yield case, got, await _rows(case, engine)


async def _rows(case: dict[str, Any], engine: Any) -> Any:
    if not case.get("db_check") or engine.dialect.name != "postgresql":
        return None
    async with engine.connect() as conn:
        rows = await conn.exec_driver_sql(case["db_check"]["sql"])
        return json.loads(json.dumps([list(row) for row in rows], default=str))


def _judged(case: dict[str, Any], got: dict[str, Any], rows: Any) -> list[str]:
    departure = rest_cases.departing().get(case["id"])
    expect = case["expect"]
    if departure:
        expect = {"content_type": "application/json; charset=utf-8", **departure}
    elif case.get("bug"):
        return [] if got["status"] < 500 else [f"{case['id']}: {got['status']} {got['text'][:200]}"]
    found = rest_cases.problems(case, expect, got)
    if rows is not None and not departure and rows != case["db_check"]["rows"]:
        found.append(f"rows {rows}, expected {case['db_check']['rows']}")
    return [f"{case['id']}: {problem}" for problem in found[:3]]
