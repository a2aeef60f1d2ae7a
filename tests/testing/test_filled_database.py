"""A database filled by the generator holds what ingest would have stored, also by COPY."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.db.engine import open_url
from aggregator.db.migrations import OCP, migrate
from aggregator.db.tables import metadata
from testing.fixtures import fixtures_dir
from testing.generate import main
from tests.databases import fresh_database

# written at the time of storing
PRESENT = {"reported_at", "created_at", "impacted_since", "consumed_at", "produced_at"}
SIZE = ["--clusters", "60", "--organizations", "3", "--kind", "both"]

Rows = dict[str, list[dict[str, Any]]]


async def _rows(url: str) -> Rows:
    """Return all rows of all tables, without times of storing, in order."""
    engine = open_url(url)
    found: Rows = {}
    async with engine.connect() as conn:
        for table in metadata.sorted_tables:
            told = [dict(row._mapping) for row in await conn.execute(sa.select(table))]
            of_dvo = table.name == "dvo_report"
            for row in told:
                for name in PRESENT - ({"reported_at"} if of_dvo else set()):
                    row.pop(name, None)
            found[table.name] = sorted(told, key=str)
    await engine.dispose()
    return found


async def _generated(url: str, *options: str) -> int:
    # the command has a loop of its own
    return await asyncio.to_thread(main, [*options, "--out", url])


@asynccontextmanager
async def _postgres() -> AsyncIterator[str]:
    async with fresh_database() as url:
        yield url


async def test_every_cluster_has_its_rows_and_every_refusal_has_one(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    assert await _generated(url.replace("+aiosqlite", ""), *SIZE, "--bad", "50%") == 0
    rows = await _rows(url)
    assert len(rows["report"]) == 60
    assert len({row["cluster_id"] for row in rows["dvo_report"]}) == 60
    assert len(rows["rule_hit"]) == len(rows["recommendation"]) > 100
    assert len(rows["report_info"]) == 60
    assert len(rows["consumer_error"]) == 60
    assert {row["topic"] for row in rows["consumer_error"]} == {
        "testing.generate.ocp",
        "testing.generate.dvo",
    }


async def test_the_same_seed_gives_the_same_rows_in_sqlite_and_postgresql(tmp_path: Path) -> None:
    sqlite = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    assert await _generated(sqlite, *SIZE) == 0
    async with _postgres() as postgres:
        assert await _generated(postgres, *SIZE) == 0
        assert await _rows(postgres) == await _rows(sqlite)


async def test_copy_writes_the_rows_that_ingest_writes(tmp_path: Path) -> None:
    async with _postgres() as stored, _postgres() as copied:
        assert await _generated(stored, *SIZE) == 0
        assert await _generated(copied, *SIZE, "--copy") == 0
        assert await _rows(copied) == await _rows(stored)


async def test_copy_adds_other_clusters_and_names_one_that_is_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with _postgres() as url:
        for seed, status in (("1", 0), ("2", 0), ("1", 1)):
            assert await _generated(url, "--clusters", "10", "--seed", seed, "--copy") == status
        assert "already exists" in capsys.readouterr().err
        assert len((await _rows(url))["report"]) == 20


async def test_the_shipped_seed_is_stored_as_it_says(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    assert await _generated(url, "--from-seed") == 0
    rows = await _rows(url)
    seed = json.loads((fixtures_dir() / "seed.json").read_bytes())
    told = [
        (organization["org_id"], cluster)
        for organization in seed["organizations"]
        for cluster in organization["clusters"]
    ]
    assert {(row["org_id"], row["cluster"]) for row in rows["report"]} == {
        (org, cluster["cluster"]) for org, cluster in told
    }
    assert {
        (row["cluster_id"], row["rule_fqdn"], row["error_key"]) for row in rows["rule_hit"]
    } == {
        (cluster["cluster"], hit["rule_id"], hit["error_key"])
        for _, cluster in told
        for hit in cluster["hits"]
    }
    assert {(row["cluster_id"], row["namespace_id"]) for row in rows["dvo_report"]} == {
        (cluster["cluster"], namespace)
        for _, cluster in told
        for namespace in cluster["namespaces"]
    }


async def test_a_database_of_another_version_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    engine = open_url(url)
    await migrate(engine, OCP, 3)
    await engine.dispose()
    assert await _generated(url, "--clusters", "1") == 1
    assert "is at ocp migration 3, not 32" in capsys.readouterr().err
