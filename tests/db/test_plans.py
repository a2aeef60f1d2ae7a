"""Plans of PostgreSQL on 100,000 hits: no statement reads a big table from end to end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db import storage as sql
from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.model import (
    ClusterId,
    ErrorKey,
    Hit,
    OrgId,
    Report,
    RuleHit,
    RuleId,
    RuleSelector,
    UserId,
    Vote,
)
from aggregator.storage import Storage
from tests.databases import fresh_database
from tests.golden.test_rest import config, storage_section

CLUSTERS = 33_400
BIG = ("report", "rule_hit", "recommendation", "report_info", "cluster_rule_toggle",
       "cluster_rule_user_feedback", "cluster_user_rule_disable_feedback")  # fmt: skip
FILL = (
    "INSERT INTO report (org_id, cluster, report, reported_at, last_checked_at)"
    " SELECT n % 200 + 1, 'c' || n, '{}', now(), '2026-01-01' FROM generate_series(1, :n) n",
    "INSERT INTO report_info SELECT n % 200 + 1, 'c' || n, '4.1' FROM generate_series(1, :n) n",
    "INSERT INTO rule_hit SELECT n % 200 + 1, 'c' || n, 'a.r' || k || '.report', 'K' || k, '{}',"
    " now() FROM generate_series(1, :n) n, generate_series(1, 3) k",
    "INSERT INTO recommendation SELECT n % 200 + 1, 'c' || n, 'a.r' || k, 'K' || k,"
    " 'a.r' || k || '|K' || k, now(), now()"
    " FROM generate_series(1, :n) n, generate_series(1, 3) k",
    "INSERT INTO cluster_rule_toggle (cluster_id, rule_id, disabled, updated_at, error_key, org_id)"
    " SELECT 'c' || n, 'a.r1.report', n % 2, now(), 'K1', (n % 200 + 1)::text"
    " FROM generate_series(1, :n) n",
    "INSERT INTO cluster_rule_user_feedback SELECT 'c' || n, 'a.r1.report', 'u' || n % 5000, '',"
    " 1, now(), now(), 'K1', (n % 200 + 1)::text FROM generate_series(1, :n) n",
    "INSERT INTO cluster_user_rule_disable_feedback SELECT 'c' || n, 'u' || n % 5000,"
    " 'a.r1.report', 'why', now(), now(), 'K1', (n % 200 + 1)::text"
    " FROM generate_series(1, :n) n",
)  # fmt: skip
ORG, USER, CLUSTER = OrgId(8), UserId("u7"), ClusterId("c7")
HIT = RuleHit(CLUSTER, RuleId("a.r1.report"), ErrorKey("K1"))
NAMES = [ClusterId(f"c{number}") for number in range(7, 20_000, 200)]


async def filled(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        for statement in FILL:
            await conn.execute(sa.text(statement), {"n": CLUSTERS})
    async with engine.connect() as conn:
        await (await conn.execution_options(isolation_level="AUTOCOMMIT")).execute(
            sa.text("ANALYZE")
        )


async def everything(storage: Storage) -> None:
    """Call what a request or a message leads to; only the list of organizations reads it all."""
    await storage.reports.read(ORG, CLUSTER, USER)
    await storage.reports.info(ORG, CLUSTER)
    await storage.reports.rule(ORG, HIT, USER)
    await storage.reports.read_many(ORG, NAMES)
    await storage.orgs.clusters(ORG, datetime(2026, 1, 1))
    await storage.orgs.owner(CLUSTER)
    await storage.recommendations.clusters_hit_by(ORG, RuleSelector("a.r1|K1"), [])
    await storage.recommendations.clusters_hit_by(ORG, RuleSelector("a.r1|K1"), NAMES)
    await storage.recommendations.by_rule(ORG, NAMES)
    await storage.recommendations.by_cluster(ORG, NAMES)
    await storage.votes.put(ORG, USER, HIT, Vote.LIKE, "")
    await storage.votes.get(USER, HIT)
    await storage.toggles.put(ORG, HIT, disabled=True)
    await storage.toggles.disabled_rules(ORG)
    await storage.toggles.disabled_rules(ORG, NAMES)
    await storage.toggles.disabled_clusters(ORG, HIT.rule_id, HIT.error_key)
    await storage.feedback.put(ORG, USER, HIT, "why")
    await storage.feedback.of_user(USER)
    hits = (Hit(HIT.rule_id, HIT.error_key, "{}"),)
    newer = datetime(2026, 2, 1)
    # one of them moves to another organization
    await storage.reports.store(
        [Report(ORG, name, "{}", hits, newer) for name in NAMES[:20]]
        + [Report(OrgId(9), CLUSTER, "{}", hits, datetime(2026, 3, 1))]
    )


async def test_no_statement_reads_a_big_table_from_end_to_end(tmp_path: Path) -> None:
    async with fresh_database() as text:
        url = sa.make_url(text)
        engine = open_url(url)
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
        await filled(engine)
        storage, health = sql.build(config("noauth", storage_section(url), tmp_path))
        seen: dict[str, Any] = {}

        def keep(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            seen[statement] = parameters

        database = storage.reports._db  # type: ignore[attr-defined]
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", keep)
        for driver in set(database._drivers):
            watch(driver, seen)
        await everything(storage)
        await health.close()
        await engine.dispose()
        plans = await explained(url, seen)
    assert len(plans) > 20
    scans = [
        (statement, plan)
        for statement, plan in plans.items()
        if any(f"Seq Scan on {table} " in plan for table in BIG)
    ]
    assert not scans, "\n\n".join(f"{statement}\n{plan}" for statement, plan in scans)


def watch(driver: Any, seen: dict[str, Any]) -> None:
    """Note the statements that go straight through the driver, with their parameters."""
    plain = driver.rows

    async def rows(statement: Any, values: Any) -> Any:
        answer = await plain(statement, values)
        text, names, fixed = driver._compiled[statement]
        seen[text] = [values[name] if name in values else fixed[name] for name in names]
        return answer

    driver.rows = rows


async def explained(url: sa.URL, statements: dict[str, Any]) -> dict[str, str]:
    """Return statement -> plan, with the very parameters."""
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    raw = await asyncpg.connect(dsn)
    try:
        return {
            statement: "\n".join(
                row[0] for row in await raw.fetch(f"EXPLAIN {statement}", *parameters)
            )
            for statement, parameters in statements.items()
        }
    finally:
        await raw.close()
