"""The log of SQL statements: off by default, it tells of each, and not what it is about."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.config.options import Config, StorageConfig
from aggregator.db import storage
from aggregator.db.engine import Database, open_url
from aggregator.db.statements import StatementLog
from aggregator.metrics import Metrics
from tests.db.stores import KINDS, open_store

NAME = sa.bindparam("name", type_=sa.String)
ONE: sa.Select[Any] = sa.select(sa.literal_column("1").label("one"), NAME.label("name"))
WRONG: sa.Select[Any] = sa.select(sa.literal_column("nothing_like_that"))


def value(metrics: Metrics, name: str) -> float:
    """Return the sum of a metric over its labels."""
    lines = metrics.render().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def asked(database: Database) -> None:
    """Run three statements, in every way, and one that fails."""
    await database.rows(ONE, {"name": "secret"})
    await database.run(ONE, {"name": "secret"})
    async with database.engine.begin() as conn:
        await conn.execute(ONE, {"name": "secret"})
    with pytest.raises(Exception, match="nothing_like_that"):
        await database.rows(WRONG)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_statement_is_told(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aggregator.db")
    metrics = Metrics()
    async with open_store(kind, tmp_path) as engine:
        database = Database(engine, statements=StatementLog(metrics))
        await asked(database)
        await database.close()
    said = [r.getMessage() for r in caplog.records if r.name == "aggregator.db.statements"]
    # SQLite's own BEGIN is one, too
    ours = [text for text in said if "BEGIN" not in text]
    assert len([text for text in ours if " took " not in text]) == 4
    assert len([text for text in ours if " took " in text]) == 3
    assert "secret" not in "".join(said)
    assert value(metrics, "sql_queries_counter ") >= 4
    timed = value(metrics, "sql_queries_durations_count")
    assert timed == value(metrics, "sql_queries_counter ") - 1


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_configuration_wants_it_or_not(wanted: bool, tmp_path: Path) -> None:
    section = StorageConfig(sqlite_datasource=str(tmp_path / "a.db"), log_sql_queries=wanted)
    config = Config(ocp_recommendations_storage=section, dvo_recommendations_storage=section)
    metrics = Metrics()
    _, health = storage.build(config, metrics)
    await health.schema_versions()
    await health.close()
    assert (value(metrics, "sql_queries_counter ") > 0) is wanted


async def test_the_replica_is_told_of_too(tmp_path: Path) -> None:
    metrics = Metrics()
    urls = [f"sqlite+aiosqlite:///{tmp_path / name}.db" for name in ("main", "replica")]
    database = Database(open_url(urls[0]), open_url(urls[1]), StatementLog(metrics))
    await database.rows(ONE, {"name": "x"})
    await database.run(ONE, {"name": "x"})
    await database.close()
    assert value(metrics, "sql_queries_counter ") >= 2
