"""Seconds from the start of a command to its end, or to a service's first answer.

python -m benchmarks.startup --peer /path/to/insights-results-aggregator
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import databases
from benchmarks.candidate import OURS, Candidate

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
COMMANDS = ("help", "print-version-info", "print-config")


def of_command(candidate: Candidate, command: str) -> float:
    """Return how long the command takes."""
    begun = time.perf_counter()
    candidate.start(command).wait(60)
    return time.perf_counter() - begun


def of_service(candidate: Candidate) -> float:
    """Return how long it takes until the service answers."""
    begun = time.perf_counter()
    with candidate.serving():
        return time.perf_counter() - begun


@contextmanager
def candidates(peer: str, server: sa.URL, folder: Path) -> Iterator[dict[str, Candidate]]:
    """Give the services, their databases migrated."""
    with (
        databases.fresh(server, folder) as postgres,
        databases.fresh(server, folder, "sqlite") as sqlite,
    ):
        found = {
            "ours": Candidate("ours", OURS, folder / "ours", postgres),
            "ours, SQLite": Candidate("sqlite", OURS, folder / "sqlite", sqlite),
        }
        if peer:
            found["peer"] = Candidate("peer", peer, folder / "peer", postgres)
        for name in ("ours", "ours, SQLite"):
            found[name].migrate()
        yield found


def measure(found: dict[str, Candidate], rounds: int) -> dict[str, dict[str, float]]:
    """Return the median seconds of each command by service; rounds alternate."""
    ways: dict[str, Callable[[Candidate], float]] = {"start-service": of_service}
    ways |= {command: partial(of_command, command=command) for command in COMMANDS}
    times: dict[str, dict[str, list[float]]] = {way: {name: [] for name in found} for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            for name, candidate in found.items():
                times[way][name].append(run(candidate))
    return {
        way: {name: statistics.median(seconds) for name, seconds in services.items()}
        for way, services in times.items()
    }


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", default="", help="command of the service to compare with")
    parser.add_argument("--postgres", default=SERVER)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        candidates(arguments.peer, sa.make_url(arguments.postgres), Path(name)) as found,
    ):
        medians = measure(found, arguments.rounds)
        table = Table("", *found, title="seconds, median")
    for way, services in medians.items():
        table.add_row(way, *(f"{seconds:.2f}" for seconds in services.values()))
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(medians, indent=1) + "\n")


if __name__ == "__main__":
    main()
