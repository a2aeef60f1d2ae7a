"""Whether two instances hold the same data: without that a comparison says little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .api import Api
from .checks import CheckFailed, Skipped
from .compare import GROUP, SHOWN
from .data import Inventory
from .result import Outcome, Result
from .sources.discovery import read_cluster

DATA = "data"


def same_data(ours: Api, theirs: Api, known: Inventory) -> Result:
    """Return whether the other instance (B) holds the data that the first one (A) is known to have.

    If it does not, answers differ for that reason, so this is the first thing to know.
    """
    plain = Result(GROUP, DATA, "both instances hold the same data", Outcome.PASSED)
    lines = [*_organizations(ours, theirs), *_clusters(theirs, known)]
    if not lines:
        return plain
    reason = "the instances hold different data, so that answers differ: " + "; ".join(lines)
    return replace(plain, outcome=Outcome.FAILED, reason=reason)


def _organizations(ours: Api, theirs: Api) -> Iterator[str]:
    try:
        one, other = (set(api.ok("organizations")["organizations"]) for api in (ours, theirs))
    except (CheckFailed, Skipped):
        # not to be listed, or a difference that the comparison of answers shows
        return
    for only, name in ((one - other, "A"), (other - one, "B")):
        if only:
            yield f"{_some(sorted(map(str, only)), 'organizations')} only in {name}"


def _clusters(theirs: Api, known: Inventory) -> Iterator[str]:
    missing, other = [], []
    for cluster in known.clusters:
        found = read_cluster(theirs, cluster.org_id, cluster.name)
        if found is None:
            missing.append(cluster.name)
        elif {hit.selector for hit in found.hits} != {hit.selector for hit in cluster.hits}:
            other.append(cluster.name)
    if missing:
        yield f"{_some(missing, 'clusters')} not in B"
    if other:
        yield f"{_some(other, 'clusters')} with other rule hits in B"


def _some(names: list[str], what: str) -> str:
    more = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)} {what} ({', '.join(names[:SHOWN])}{more})"
