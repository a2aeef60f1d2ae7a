"""In-memory Storage: dictionaries, and in-memory SQLite for reports and joins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aggregator.db.engine import Database, open_url
from aggregator.db.organizations import SqlOrgs
from aggregator.db.recommendations import SqlRecommendations
from aggregator.db.reports import SqlReports
from aggregator.db.storage import SqlHealth
from aggregator.db.workloads import SqlDvo
from aggregator.storage import Storage as Storage

from .acks import MemoryAcks
from .clock import Now, RisingClock
from .consumer_errors import MemoryConsumerErrors
from .feedback import MemoryFeedback
from .ratings import MemoryRatings
from .reports import MemoryReports
from .toggles import MemoryToggles
from .votes import MemoryVotes
from .watch import Watch


@asynccontextmanager
async def memory_storage(
    clock: Now | None = None, watch: Watch | None = None
) -> AsyncIterator[Storage]:
    """Give an empty storage that is gone afterwards, held to `testing.contract` as all others are.

    `clock` tells the time of what is stored, in naive UTC. A `watch` records the calls and lets
    them fail. It may be used by another event loop than the one that made it.
    """
    now = clock or RisingClock()
    database = Database(open_url("sqlite+aiosqlite://"))
    health = SqlHealth({"ocp": database, "dvo": database})
    try:
        await health.require_latest()
        storage = _built(database, health, now)
        yield watch.over(storage) if watch else storage
    finally:
        await health.close()


def _built(database: Database, health: SqlHealth, now: Now) -> Storage:
    orgs, reports = SqlOrgs(database), SqlReports(database, now)
    feedback = MemoryFeedback(orgs, now)
    votes = MemoryVotes(orgs, now)
    toggles = MemoryToggles(orgs, reports, feedback, now)
    return Storage(
        reports=MemoryReports(reports, orgs, votes, toggles, feedback),
        orgs=orgs,
        recommendations=SqlRecommendations(database),
        votes=votes,
        toggles=toggles,
        feedback=feedback,
        acks=MemoryAcks(now),
        ratings=MemoryRatings(),
        consumer_errors=MemoryConsumerErrors(),
        dvo=SqlDvo(database),
        health=health,
    )
