"""Many writers of workloads at once, on PostgreSQL."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from aggregator.db.engine import Database, open_url
from aggregator.db.migrations import DVO, migrate
from aggregator.db.workloads import SqlDvo
from aggregator.model import (
    ClusterId,
    DvoReport,
    Namespace,
    OrgId,
)
from testing.contract.sample_data import (
    NOON,
    ORG,
    OTHER_ORG,
    workloads,
)
from tests.databases import fresh_database

CLUSTERS = [ClusterId(f"00000000-0000-4000-8000-{number:012}") for number in range(20)]
WRITERS, BATCHES = 6, 8


def _batches(seed: int) -> list[list[DvoReport]]:
    """Make batches in which clusters come in any order, of any organization, of any age."""
    chance = random.Random(seed)
    return [
        [
            workloads(
                NOON + timedelta(seconds=chance.randrange(1000)),
                *(Namespace(f"{name}-uid") for name in "abc"[: chance.randint(1, 3)]),
                cluster=cluster,
                org=OrgId(chance.choice((ORG, OTHER_ORG))),
            )
            for cluster in chance.choices(CLUSTERS, k=30)
        ]
        for _ in range(BATCHES)
    ]


async def test_writers_at_once_leave_the_newest_report_of_each_cluster() -> None:
    work = [_batches(seed) for seed in range(WRITERS)]
    async with fresh_database() as url:
        database = Database(open_url(url))
        await migrate(database.engine, DVO, DVO.latest)

        async def write(batches: list[list[DvoReport]]) -> None:
            dvo = SqlDvo(database)
            for batch in batches:
                await dvo.store(batch)

        await asyncio.gather(*(write(batches) for batches in work))
        dvo = SqlDvo(database)
        rows = [row for org in (ORG, OTHER_ORG) for row in await dvo.of_org(org, None)]
        await database.close()
    stored = {(row.cluster, row.last_checked_at) for row in rows}
    given = [report for batches in work for batch in batches for report in batch]
    newest = {
        cluster: max(one.last_checked_at for one in given if one.cluster == cluster)
        for cluster in CLUSTERS
    }
    assert stored == set(newest.items())
