"""Latencies of reads while a backlog is consumed at full rate.

python -m benchmarks.during_ingest
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import databases, dataset, ingest
from benchmarks.candidate import OURS, Candidate
from benchmarks.endpoints import Request, requests
from benchmarks.load import drive
from benchmarks.peer import WORKERS

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
READS = ("report", "report/info", "reports (10)", "clusters")

Told = dict[str, dict[str, float]]


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--brokers", default="localhost:29092")
    parser.add_argument("--postgres", default=SERVER)
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    told = run(arguments)
    show(told, f"{arguments.connections} connections, {arguments.workers} workers")
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


def run(arguments: argparse.Namespace) -> Told:
    """Fill a database and a topic, and ask the service that reads it."""
    topic = f"bench.{uuid.uuid4().hex[:8]}"
    group = f"{topic}.group"
    with (
        tempfile.TemporaryDirectory() as name,
        databases.fresh(sa.make_url(arguments.postgres), Path(name)) as url,
    ):
        dataset.fill(url, arguments.clusters)
        made = requests(dataset.sample(url))
        ingest.topics(arguments.brokers, topic)
        ingest.produce(arguments.brokers, topic, arguments.messages, arguments.clusters)
        ingest.begin(arguments.brokers, topic, group)
        workers = {WORKERS: str(arguments.workers)}
        candidate = Candidate(
            "ours", OURS, Path(name) / "ours", url, arguments.brokers, topic, group, workers
        )
        with candidate.serving():
            told = {read: measure(candidate, made[read], arguments) for read in READS}
        ingest.drop(arguments.brokers, topic)
    return told


def measure(
    candidate: Candidate, made: Sequence[Request], arguments: argparse.Namespace
) -> dict[str, float]:
    """Ask for some seconds; return latencies (ms), rates (1/s), and how many messages are left."""
    before = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
    load = drive(candidate.url, made, arguments.connections, arguments.seconds)
    after = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
    return {
        **asdict(load),
        "messages": (after - before) / arguments.seconds,
        "messages_left": arguments.messages - round(after),
    }


def show(told: Told, title: str) -> None:
    """Print a line for each read."""
    table = Table("", "requests/s", "p50 ms", "p99 ms", "failed", "messages/s", title=title)
    for read, found in told.items():
        table.add_row(
            read, f"{found['rate']:,.0f}", f"{found['p50']:.1f}", f"{found['p99']:.1f}",
            str(found["failed"] or ""), f"{found['messages']:,.0f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
