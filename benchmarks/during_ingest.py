"""Latencies of reads while a backlog is consumed at full rate, beside a peer's.

    python -m benchmarks.during_ingest --peer /path/to/insights-results-aggregator

Each round and service has a database and a topic of its own; rounds of both services alternate.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import (
    backlog,
    databases,
    dataset,
    ingest,
    table,
)
from benchmarks.candidate import Candidate
from benchmarks.endpoints import Request, requests
from benchmarks.load import Load, drive, warm_up
from benchmarks.peer import WORKERS, commands

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
READS = ("report", "report/info", "reports (10)", "clusters")


@dataclass(frozen=True)
class Beside:
    """The result of some seconds of reads during a backlog: messages a second, and what is left.

    Where nothing is left, the reads were alone for a part of the time.
    """

    load: Load
    messages: float
    left: int


Found = dict[str, dict[str, list[Beside]]]


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--brokers", default="localhost:29092")
    parser.add_argument("--postgres", default=SERVER)
    parser.add_argument("--peer", default="", help="command of the service to compare with")
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    console = table.console()
    services = commands(arguments.peer)
    found: Found = {read: {name: [] for name in services} for read in READS}
    for turn in range(arguments.rounds):
        for name, command in services.items():
            console.print(f"round {turn + 1}: {name} ...", style="dim")
            for read, beside in run(name, command, arguments).items():
                found[read][name].append(beside)
    told = show(found, arguments, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


def run(name: str, command: str, arguments: argparse.Namespace) -> dict[str, Beside]:
    """Fill a database and a topic, and ask the service that reads it."""
    made = ingest.messages_of(arguments.clusters, arguments.messages)
    with (
        backlog.topic_of(arguments.brokers, made) as topic,
        tempfile.TemporaryDirectory() as folder,
        databases.fresh(sa.make_url(arguments.postgres), Path(folder)) as url,
    ):
        dataset.fill(url, arguments.clusters)
        wanted = requests(dataset.sample(url))
        workers = {WORKERS: str(arguments.workers)}
        candidate = Candidate(
            name, command, Path(folder) / name, url, arguments.brokers, topic, workers
        )
        with candidate.serving():
            return {read: measure(candidate, wanted[read], arguments) for read in READS}


def measure(candidate: Candidate, made: Sequence[Request], arguments: argparse.Namespace) -> Beside:
    """Ask for some seconds, when the service is warm."""
    warm_up(candidate.url, made, arguments.connections)
    before = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
    load = drive(candidate.url, made, arguments.connections, arguments.seconds)
    after = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
    left = arguments.messages - round(after)
    return Beside(load, (after - before) / arguments.seconds, left)


def show(found: Found, arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Print the medians of reads, and of messages beside them; return them for JSON."""
    loads = {
        read: {name: [one.load for one in rounds] for name, rounds in of.items()}
        for read, of in found.items()
    }
    title = f"{arguments.connections} connections, {arguments.workers} workers"
    told = table.show(title, loads, console)
    rates_table = Table("", *next(iter(found.values())), title="messages a second beside the reads")
    for read, of in found.items():
        rates = {
            name: statistics.median(one.messages for one in rounds) for name, rounds in of.items()
        }
        for name, rate in rates.items():
            told[read][name]["messages"] = rate
            told[read][name]["messages_left"] = min(one.left for one in of[name])
        rates_table.add_row(read, *(f"{rate:,.0f}" for rate in rates.values()))
    console.print(rates_table)
    return told


if __name__ == "__main__":
    main()
