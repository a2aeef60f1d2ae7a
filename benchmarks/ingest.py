"""Messages a second from Kafka into the database, first and again, beside a peer.

    python -m benchmarks.ingest --peer /path/to/insights-results-aggregator

A topic of one partition holds two reports of every cluster. A service reads it from its start:
the first half is new to the database, the second half replaces what is there. Payload tracker
and dead letters are on. Rounds of both services alternate.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import backlog, databases, small_messages
from benchmarks.candidate import OURS, Candidate
from benchmarks.dataset import ORGANIZATIONS, SEED
from testing.messages import ocp_messages

HANDLED = "successful_messages_processing_time_count"
PATIENCE = 300


@dataclass(frozen=True)
class Rates:
    """Messages a second, of new clusters and of known ones."""

    first: float
    again: float


def messages_of(clusters: int, count: int, *, small: bool = False) -> Iterator[bytes]:
    """Yield `count` reports of the clusters of `dataset`, newer ones in each round."""
    if small:
        made = small_messages.messages(SEED, clusters, ORGANIZATIONS)
    else:
        made = ocp_messages(SEED, clusters=clusters, organizations=ORGANIZATIONS)
    return itertools.islice(made, count)


def measure(candidate: Candidate, clusters: int) -> Rates:
    """Let the service read the topic; tell its rates from what its metrics say over time."""
    candidate.migrate()
    with candidate.serving():
        samples: list[tuple[float, float]] = []
        end = time.monotonic() + PATIENCE
        while not samples or samples[-1][1] < 2 * clusters:
            handled = (candidate.metrics() or {}).get(HANDLED, 0.0)
            samples.append((time.monotonic(), handled))
            if samples[-1][0] > end:
                sys.exit(f"{candidate.name}: {handled:.0f} of {2 * clusters} in {PATIENCE} s")
            time.sleep(0.25)
    begun = next(at for at, (_, handled) in enumerate(samples) if handled)
    half = next(at for at, (_, handled) in enumerate(samples) if handled >= clusters)
    return Rates(
        _rate(samples[max(0, begun - 1)], samples[half]), _rate(samples[half], samples[-1])
    )


def _rate(start: tuple[float, float], end: tuple[float, float]) -> float:
    if end[0] <= start[0]:
        sys.exit("it is over too soon to be measured: --clusters makes it longer")
    return (end[1] - start[1]) / (end[0] - start[0])


def run(arguments: argparse.Namespace, console: Console) -> dict[str, list[Rates]]:
    """Measure all candidates, round after round."""
    candidates = [("ours", OURS, arguments.clusters, "postgresql")]
    if arguments.sqlite:
        candidates.append(("ours, SQLite", OURS, arguments.clusters, "sqlite"))
    if arguments.peer:
        candidates.append(("peer", arguments.peer, arguments.peer_clusters, "postgresql"))
    found: dict[str, list[Rates]] = {name: [] for name, *_ in candidates}
    for turn in range(arguments.rounds):
        for name, command, clusters, dialect in candidates:
            console.print(f"round {turn + 1}: {name}, {2 * clusters} messages ...", style="dim")
            made = messages_of(clusters, 2 * clusters, small=arguments.small)
            with (
                backlog.topic_of(arguments.brokers, made) as topic,
                tempfile.TemporaryDirectory() as folder,
                databases.fresh(sa.make_url(arguments.postgres), Path(folder), dialect) as url,
            ):
                candidate = Candidate(name, command, Path(folder), url, arguments.brokers, topic)
                found[name].append(measure(candidate, clusters))
    return found


def show(found: dict[str, list[Rates]], console: Console) -> dict[str, dict[str, float]]:
    """Print the medians and their ratio to the peer's; return them."""
    medians = {
        name: {
            kind: statistics.median(getattr(one, kind) for one in rates)
            for kind in ("first", "again")
        }
        for name, rates in found.items()
    }
    table = Table("", "first", "x peer", "again", "x peer", title="messages a second")
    peer = medians.get("peer")
    for name, rates in medians.items():
        cells = []
        for kind, rate in rates.items():
            cells += [f"{rate:,.0f}", f"{rate / peer[kind]:.1f}" if peer else ""]
        table.add_row(name, *cells)
    console.print(table)
    return medians


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--brokers", default="localhost:29092")
    parser.add_argument("--postgres", default="postgresql://postgres:postgres@127.0.0.1:5432")
    parser.add_argument("--peer", default="", help="command of the service to compare with")
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--peer-clusters", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sqlite", action="store_true", help="measure SQLite, too")
    parser.add_argument(
        "--small", action="store_true", help="messages of 2.5 kB whose hits stay as they are"
    )
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    console = Console()
    medians = show(run(arguments, console), console)
    if arguments.json:
        arguments.json.write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
