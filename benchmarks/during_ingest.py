"""Latencies of reads while a backlog is consumed at full rate.

python -m benchmarks.during_ingest
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import uuid
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import databases, dataset, ingest
from benchmarks.candidate import OURS, Candidate
from benchmarks.endpoints import requests
from benchmarks.load import drive
from benchmarks.peer import WORKERS

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
READS = ("report", "report/info", "reports (10)", "clusters")


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
    topic = f"bench.{uuid.uuid4().hex[:8]}"
    console = Console()
    told = {}
    with (
        tempfile.TemporaryDirectory() as name,
        databases.fresh(sa.make_url(arguments.postgres), Path(name)) as url,
    ):
        dataset.fill(url, arguments.clusters)
        made = requests(dataset.sample(url))
        ingest.topics(arguments.brokers, topic)
        ingest.produce(arguments.brokers, topic, arguments.messages, arguments.clusters)
        group = f"{topic}.group"
        ingest.begin(arguments.brokers, topic, group)
        workers = {WORKERS: str(arguments.workers)}
        candidate = Candidate(
            "ours", OURS, Path(name) / "ours", url, arguments.brokers, topic, group, workers
        )
        table = Table(
            "", "requests/s", "p50 ms", "p99 ms", "failed", "messages/s",
            title=f"{arguments.connections} connections, {arguments.workers} workers",
        )  # fmt: skip
        with candidate.serving():
            for read in READS:
                before = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
                load = drive(candidate.url, made[read], arguments.connections, arguments.seconds)
                after = (candidate.metrics() or {}).get(ingest.HANDLED, 0.0)
                rate = (after - before) / arguments.seconds
                left = arguments.messages - round(after)
                told[read] = {**asdict(load), "messages": rate, "messages_left": left}
                table.add_row(
                    read, f"{load.rate:,.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}",
                    str(load.failed or ""), f"{rate:,.0f}",
                )  # fmt: skip
        ingest.drop(arguments.brokers, topic)
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
