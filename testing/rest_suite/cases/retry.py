"""Comparisons of answers that the instance's own intake may change between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..api import Api
from ..checks import CheckFailed, Skipped
from ..data import Cluster

TRIES = 5

T = TypeVar("T")


def retry_until_stable(read: Callable[[], T], compare: Callable[[T], None]) -> T:
    """Compare with what was read, and return it; do so again when it is another by then.

    Skips the case when the instance changes faster than it can be read.
    """
    before = read()
    for _ in range(TRIES):
        try:
            compare(before)
        except CheckFailed:
            after = read()
            if after == before:
                raise
            before = after
        else:
            return before
    raise Skipped("what is compared changes all the time")


def report_of(api: Api, cluster: Cluster) -> Any:
    """Return a cluster's report as a user without votes sees it."""
    answer = api.ok("report", org_id=cluster.org_id, cluster=cluster.name, user_id="rest-suite")
    return answer["report"]


def reports_of(api: Api, clusters: Sequence[Cluster]) -> dict[str, Any]:
    """Return the reports of some clusters by name."""
    return {cluster.name: report_of(api, cluster) for cluster in clusters}


def selectors_of(report: Any) -> list[str]:
    """Return `rule|KEY` of a report's hits, without the suffix, in the order of the text."""
    return sorted(f"{r['component'].removesuffix('.report')}|{r['key']}" for r in report["reports"])


def second(moment: str) -> str:
    """Return a moment in whole seconds, cut as reports show it."""
    return f"{moment[:19]}Z"
