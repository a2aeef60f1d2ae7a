"""How a database of a million clusters compares with one of 20,000: reads, lists, ingest, clean-up.

    python -m benchmarks.scale --big-url postgresql://... --keep

Both databases are made by COPY, unless they are named. What is measured of one is measured of the
other right after it, with the same service.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from benchmarks import (
    backlog,
    databases,
    ingest,
    scale_cleanup,
    scale_dataset,
)
from benchmarks.candidate import OURS, Candidate
from benchmarks.load import Load, drive, warm_up
from benchmarks.peer import WORKERS
from benchmarks.scale_dataset import FleetSample
from benchmarks.scale_table import show
from benchmarks.table import median

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
OVERVIEW = "INSIGHTS_RESULTS_AGGREGATOR__SERVER__ORG_OVERVIEW_LIMIT_HOURS"
NEW_SEED = 1_000


@contextmanager
def filled(
    named: str, clusters: int, arguments: argparse.Namespace, told: dict[str, Any], console: Console
) -> Iterator[sa.URL]:
    """Give the URL of a database with this number of clusters: the given one, or a new one."""
    if named:
        yield sa.make_url(named)
        return
    with databases.fresh(sa.make_url(arguments.postgres), Path()) as url:
        console.print(f"copying reports of {clusters:,} clusters ...", style="dim")
        begun = time.monotonic()
        scale_dataset.fill(url, clusters)
        told.setdefault("copied", {})[f"{clusters}"] = time.monotonic() - begun
        yield url


def serve(
    folder: Path, url: sa.URL, arguments: argparse.Namespace, topic: str = "", workers: int = 0
) -> Candidate:
    """Return our service on the database; without a topic it consumes nothing."""
    environment = {WORKERS: str(workers or arguments.workers), OVERVIEW: "1000000"}
    brokers = arguments.brokers if topic else ""
    name = f"serve-{uuid.uuid4().hex[:8]}"
    return Candidate("ours", OURS, folder / name, url, brokers, topic or "none", environment)


def reads(
    places: Mapping[str, tuple[sa.URL, FleetSample]], arguments: argparse.Namespace, folder: Path
) -> dict[str, dict[str, Load]]:
    """Drive every endpoint of all databases, round after round."""
    made = {name: scale_dataset.requests(of) for name, (_, of) in places.items()}
    found: dict[str, dict[str, list[Load]]] = {}
    for turn in range(arguments.rounds):
        for name, (url, _) in places.items():
            candidate = serve(folder, url, arguments)
            with candidate.serving():
                for endpoint, wanted in made[name].items():
                    single = endpoint != "report"
                    connections = arguments.list_connections if single else arguments.connections
                    if not turn:
                        warm_up(candidate.url, wanted, connections)
                    load = drive(candidate.url, wanted, connections, arguments.seconds)
                    found.setdefault(endpoint, {}).setdefault(name, []).append(load)
    return {
        endpoint: {name: median(loads) for name, loads in of.items()}
        for endpoint, of in found.items()
    }


def stored(
    places: Mapping[str, tuple[sa.URL, FleetSample]],
    arguments: argparse.Namespace,
    folder: Path,
    console: Console,
) -> dict[str, dict[str, float]]:
    """Let the service consume new clusters and then known ones; tell messages a second."""
    found: dict[str, dict[str, list[float]]] = {"first": {}, "again": {}}
    for turn in range(arguments.rounds):
        for name, (url, of) in places.items():
            known = scale_dataset.again(of, turn)
            messages = [*scale_dataset.new(arguments.messages, NEW_SEED + turn)]
            messages += [next(known) for _ in range(arguments.messages)]
            with backlog.topic_of(arguments.brokers, messages) as topic:
                candidate = serve(folder, url, arguments, topic, workers=1)
                rates = ingest.measure(candidate, arguments.messages)
            console.print(f"round {turn + 1}: {name}: {rates}", style="dim")
            for kind, of_kind in found.items():
                of_kind.setdefault(name, []).append(getattr(rates, kind))
    return {
        kind: {name: statistics.median(rates) for name, rates in of.items()}
        for kind, of in found.items()
    }


def measure(
    small: sa.URL, big: sa.URL, arguments: argparse.Namespace, folder: Path, console: Console
) -> dict[str, Any]:
    """Return what was measured, as it is written in JSON."""
    places = {
        name: (url, scale_dataset.sample(url, arguments.sample, arguments.listed))
        for name, url in (("small", small), ("big", big))
    }
    told: dict[str, Any] = {}
    only = arguments.only.split(",")
    if "reads" in only:
        told["reads"] = reads(places, arguments, folder)
    if "ingest" in only:
        told["ingest"] = stored(places, arguments, folder, console)
    if "cleanup" in only:
        with backlog.topic_of(arguments.brokers) as topic:
            candidate = serve(folder, big, arguments, topic)
            told["cleanup"] = scale_cleanup.measure(candidate, places["big"][1], arguments, console)
    return told


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--brokers", default="localhost:29092")
    add("--postgres", default=SERVER)
    add("--clusters", type=int, default=1_000_000)
    add("--small-clusters", type=int, default=20_000)
    add("--big-url", default="", help="a database that is filled already; cleanup shrinks it")
    add("--small-url", default="", help="a database that is filled already")
    add("--listed", type=int, default=1_000, help="clusters in a list")
    add("--sample", type=int, default=20_000, help="clusters that are read and report again")
    add("--messages", type=int, default=20_000, help="new ones, and as many of known clusters")
    add("--workers", type=int, default=os.cpu_count() or 1)
    add("--connections", type=int, default=16)
    add("--list-connections", type=int, default=1)
    add("--seconds", type=float, default=5)
    add("--rounds", type=int, default=3)
    add("--only", default="reads,ingest,cleanup", help="parts, separated by commas")
    add("--json", type=Path, help="write the numbers to this file")
    return parser.parse_args()


def main() -> None:
    """Measure as the command line says."""
    arguments = parsed()
    console = Console(width=110) if not sys.stdout.isatty() else Console()
    copied: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        filled(arguments.small_url, arguments.small_clusters, arguments, copied, console) as small,
        filled(arguments.big_url, arguments.clusters, arguments, copied, console) as big,
    ):
        told = copied | measure(small, big, arguments, Path(folder), console)
    written = show(told, arguments, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
