"""A write of each kind to a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aggregator.db.engine import Database
from aggregator.db.ratings import SqlRatings
from aggregator.db.reports import SqlReports
from aggregator.db.workloads import SqlDvo
from aggregator.model import (
    ClusterId,
    DvoReport,
    ErrorKey,
    Hit,
    Namespace,
    OrgId,
    Report,
    RuleId,
    Version,
    Workloads,
)

CLUSTER = ClusterId("a" * 8)


def writes(database: Database) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return a write of each kind: a transaction of ingest, single statements of REST."""
    reports, dvo, ratings = SqlReports(database), SqlDvo(database), SqlRatings(database)
    now = datetime(2026, 1, 1)
    hit = Hit(RuleId("a.report"), ErrorKey("K"), "{}")
    report = Report(OrgId(1), CLUSTER, "{}", (hit,), now, version=Version("4.1"))
    space = Workloads(Namespace("n"), "name", 1, 1, {"a|K": 1})
    workload = DvoReport(OrgId(1), CLUSTER, '"{}"', (space,), now)
    return {
        "reports": lambda: reports.store([report]),
        "workloads": lambda: dvo.store([workload]),
        "rating": lambda: ratings.put(OrgId(1), RuleId("a.report"), ErrorKey("K"), 1),
    }
