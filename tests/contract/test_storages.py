"""Every storage keeps the contract: the mock, SQLite in memory and in a file, PostgreSQL."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import testing.contract
from aggregator.config.options import Config, StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import open_url
from aggregator.storage import Storage
from testing.mocks.storage import memory_storage
from tests.db.stores import emptied, migrated, migrated_store

Scene = Callable[[Storage], Awaitable[None]]


def scenes() -> Iterator[tuple[str, str]]:
    """Name every test of the contract; a new module or test there is found by itself."""
    for module in pkgutil.iter_modules(testing.contract.__path__, "testing.contract."):
        for name in vars(importlib.import_module(module.name)):
            if name.startswith("test_"):
                yield module.name, name


SCENES = [
    pytest.param(module, name, id=f"{module.rpartition('.')[2]}-{name}")
    for module, name in scenes()
]


@pytest.fixture(scope="module")
def postgres() -> Iterator[sa.URL]:
    """Give one migrated database for all scenes; each empties the tables first."""
    with migrated_store("postgresql") as url:
        yield sa.make_url(url)


async def _emptied(url: sa.URL) -> None:
    engine = open_url(url)
    await emptied(engine)
    await engine.dispose()


@pytest.fixture(params=["memory", "file", "postgres"])
def section(request: pytest.FixtureRequest, tmp_path: Path) -> StorageConfig:
    """Give the configuration of each kind of storage."""
    if request.param == "memory":
        return StorageConfig(db_driver="sqlite3", sqlite_datasource=":memory:")
    if request.param == "file":
        file = str(tmp_path / "aggregator.db")
        return StorageConfig(db_driver="sqlite3", sqlite_datasource=file)
    url: sa.URL = request.getfixturevalue("postgres")
    return StorageConfig(
        db_driver="postgres",
        pg_username=url.username or "",
        pg_password=url.password or "",
        pg_host=url.host or str(url.query.get("host", "")),
        pg_port=url.port or 5432,
        pg_db_name=url.database or "",
    )


@pytest.mark.parametrize(("module", "name"), SCENES)
async def test_the_storage_keeps_the_contract(
    module: str, name: str, section: StorageConfig
) -> None:
    scene: Scene = getattr(importlib.import_module(module), name)
    config = dataclasses.replace(
        Config(), ocp_recommendations_storage=section, dvo_recommendations_storage=section
    )
    url = sql.connect(section).url
    if section.db_driver == "postgres":
        await _emptied(url)
    elif section.sqlite_datasource != ":memory:":
        await migrated(url)
    storage, health = sql.build(config)
    try:
        await health.require_latest()
        await scene(storage)
    finally:
        await health.close()


@pytest.mark.parametrize(("module", "name"), SCENES)
async def test_the_mock_keeps_the_contract(module: str, name: str) -> None:
    scene: Scene = getattr(importlib.import_module(module), name)
    async with memory_storage() as storage:
        await scene(storage)


def test_there_are_scenes_of_every_aggregate() -> None:
    told = {module.rpartition(".")[2] for module, _ in scenes()}
    assert {
        "votes",
        "toggles",
        "feedback",
        "acks",
        "ratings",
        "workloads",
        "consumer_errors",
    } <= told
