"""Starts the two services of a comparison: ours, and a peer given as command or URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from benchmarks.candidate import OURS, Candidate

WORKERS = "INSIGHTS_RESULTS_AGGREGATOR__SERVER__WORKERS"


def ours(folder: Path, database: sa.URL, workers: int) -> Candidate:
    """Return our service with this number of processes."""
    return Candidate("ours", OURS, folder / "ours", database, environment={WORKERS: str(workers)})


def commands(peer: str) -> dict[str, str]:
    """Return the command of our service, and the peer's where there is one."""
    return {"ours": OURS} | ({"peer": peer} if peer else {})


def is_url(peer: str) -> bool:
    """Return True if the peer is the URL of a running service."""
    return peer.startswith(("http://", "https://"))


@contextmanager
def serving(folder: Path, database: sa.URL, workers: int, peer: str) -> Iterator[dict[str, str]]:
    """Run both on the database; give name -> URL that ends with the API prefix."""
    with ExitStack() as stack:
        mine = ours(folder, database, workers)
        stack.enter_context(mine.serving())
        urls = {"ours": mine.url}
        if is_url(peer):
            urls["peer"] = peer.rstrip("/") + "/"
        elif peer:
            other = Candidate("peer", peer, folder / "peer", database)
            stack.enter_context(other.serving())
            urls["peer"] = other.url
        yield urls
