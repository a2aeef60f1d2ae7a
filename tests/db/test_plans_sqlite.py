"""Plans of SQLite: no big table is read from end to end, nor a given list once for each row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aggregator.config.options import StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.model import Hit, Report
from tests.golden.test_rest import config

from .test_plans import (
    BIG,
    HIT,
    NAMES,
    ORG,
    everything,
)

EARLIER = datetime(2026, 1, 1)

Step = tuple[int, int, int, str]


async def test_no_statement_reads_in_a_way_that_grows_with_the_square(tmp_path: Path) -> None:
    file = tmp_path / "aggregator.db"
    engine = open_url(f"sqlite+aiosqlite:///{file}")
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    section = StorageConfig(db_driver="sqlite3", sqlite_datasource=str(file))
    storage, health = sql.build(config("noauth", section, tmp_path))
    seen: dict[str, Any] = {}

    def keep(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen[statement] = parameters

    database = storage.reports._db  # type: ignore[attr-defined]
    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", keep)
    hits = (Hit(HIT.rule_id, HIT.error_key, "{}"),)
    await storage.reports.store([Report(ORG, name, "{}", hits, EARLIER) for name in NAMES])
    await everything(storage)
    await health.close()
    plans = explained(file, seen)
    assert len(plans) > 20
    bad = {statement: plan for statement, plan in plans.items() if scans(plan) or repeats(plan)}
    assert not bad


def explained(file: Path, statements: dict[str, Any]) -> dict[str, list[Step]]:
    """Return the plan of each statement that reads or writes rows."""
    with closing(sqlite3.connect(file)) as database:
        return {
            text: database.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            for text, values in statements.items()
            if text.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
        }


def scans(plan: list[Step]) -> list[str]:
    """Return the steps that read a whole table, not an index of it."""
    return [step[3] for step in plan if step[3] in {f"SCAN {table}" for table in BIG}]


def repeats(plan: list[Step]) -> list[str]:
    """Return the steps that read a given list inside of another loop."""
    loops = [step for step in plan if step[3].startswith(("SCAN", "SEARCH"))]
    return [
        text
        for number, (_, parent, _, text) in enumerate(loops)
        if "VIRTUAL TABLE" in text and any(step[1] == parent for step in loops[:number])
    ]
