"""Memory of a service's processes over rounds of requests and messages, beside a peer's.

    python -m benchmarks.memory --requests 100000 --messages 100000 --peer COMMAND

A round is a part of both. What is taken in the first rounds are caches and pools; growth after
them would be a leak.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks import (
    backlog,
    databases,
    dataset,
    ingest,
)
from benchmarks.candidate import Candidate
from benchmarks.endpoints import Request, requests
from benchmarks.load import drive
from benchmarks.peer import WORKERS, commands

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
HANDLED = ingest.HANDLED
CONNECTIONS, SECONDS = 16, 2


def resident(pid: int) -> dict[str, int]:
    """Return VmRSS and VmHWM of a process and its children together, in KiB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = {"VmRSS": 0, "VmHWM": 0}
    for one in (str(pid), *children):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in total:
                total[name] += int(value.split()[0])
    return total


def round_of(
    candidate: Candidate, made: Sequence[Request], wanted: int, messages: Sequence[bytes]
) -> tuple[int, int]:
    """Send requests and messages; return how many were answered and handled."""
    before = (candidate.metrics() or {}).get(HANDLED, 0.0)
    backlog.send(candidate.brokers, candidate.topic, messages)
    answered = 0.0
    while answered < wanted:
        load = drive(candidate.url, made, CONNECTIONS, SECONDS)
        answered += load.rate * SECONDS
    end = time.monotonic() + 300
    handled = before
    while handled < before + len(messages) and time.monotonic() < end:
        time.sleep(0.2)
        handled = (candidate.metrics() or {}).get(HANDLED, 0.0)
    return round(answered), round(handled - before)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--brokers", default="localhost:29092")
    parser.add_argument("--postgres", default=SERVER)
    parser.add_argument("--peer", default="", help="command of the service to compare with")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--clusters", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    services = commands(arguments.peer)
    told = {name: run(name, command, arguments) for name, command in services.items()}
    for name, rows in told.items():
        show(name, rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


def run(name: str, command: str, arguments: argparse.Namespace) -> list[dict[str, int]]:
    """Return what each round left, in KiB; before the first, too."""
    share = arguments.requests // arguments.rounds
    count = arguments.messages // arguments.rounds
    # one sequence for all rounds: a message that comes again is old, and nothing is stored of it
    made = ingest.messages_of(arguments.clusters, arguments.messages)
    rows = []
    with (
        backlog.topic_of(arguments.brokers) as topic,
        tempfile.TemporaryDirectory() as folder,
        databases.fresh(sa.make_url(arguments.postgres), Path(folder)) as url,
    ):
        dataset.fill(url, arguments.clusters)
        mix = requests(dataset.sample(url))["mix"]
        one = {WORKERS: "1"}
        candidate = Candidate(
            name, command, Path(folder) / name, url, arguments.brokers, topic, one
        )
        with candidate.serving() as process:
            for turn in range(arguments.rounds + 1):
                done = (0, 0)
                if turn:
                    done = round_of(candidate, mix, share, list(islice(made, count)))
                found = resident(process.pid)
                rows.append({"round": turn, "requests": done[0], "messages": done[1], **found})
    return rows


def show(name: str, rows: list[dict[str, int]]) -> None:
    """Print a line for each round."""
    table = Table(
        "round", "requests", "messages", "resident MiB", "most MiB", title=f"{name}, one process"
    )
    for row in rows:
        counts = (f"{row[kind]:,}" for kind in ("requests", "messages"))
        mebibytes = (f"{row[kind] / 1024:.0f}" for kind in ("VmRSS", "VmHWM"))
        table.add_row(str(row["round"]), *counts, *mebibytes)
    Console().print(table)


if __name__ == "__main__":
    main()
