"""Requests a second and latencies of the REST API by endpoint, beside a peer.

    python -m benchmarks.rest --peer /path/to/insights-results-aggregator

Both services work on one database of 20,000 clusters; their rounds alternate. `--peer` is a
command, or the URL of a service on the database that `--database` names.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console

from benchmarks import (
    databases,
    dataset,
    peer,
    table,
)
from benchmarks.endpoints import Request, requests
from benchmarks.load import (
    Load,
    drive,
    driver,
    warm_up,
)

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
Found = dict[str, dict[str, list[Load]]]


@contextmanager
def filled(
    location: str, clusters: int, folder: Path, console: Console, server: str = SERVER
) -> Iterator[sa.URL]:
    """Give the URL of a filled database: the one at `location`, or a new one."""
    if location:
        yield sa.make_url(location)
        return
    with databases.fresh(sa.make_url(server), folder) as url:
        console.print(f"storing reports of {clusters:,} clusters ...", style="dim")
        dataset.fill(url, clusters)
        yield url


def measure(
    urls: Mapping[str, str],
    wanted: Mapping[str, list[Request]],
    arguments: argparse.Namespace,
    console: Console,
) -> Found:
    """Drive one service after the other, endpoint by endpoint, round after round."""
    found: Found = {endpoint: {name: [] for name in urls} for endpoint in wanted}
    for turn in range(arguments.rounds):
        for endpoint, made in wanted.items():
            for name, url in urls.items():
                if not turn:
                    warm_up(url, made, arguments.connections)
                load = drive(url, made, arguments.connections, arguments.seconds)
                found[endpoint][name].append(load)
                console.print(
                    f"round {turn + 1}: {endpoint}: {name}: {load.rate:,.0f}/s,"
                    f" p99 {load.p99:.1f} ms",
                    style="dim",
                )
    return found


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", default="", help="command or URL of the service to compare with")
    parser.add_argument("--postgres", default=SERVER, help="server for a database of 20,000")
    parser.add_argument("--database", default="", help="URL of a database that is filled already")
    parser.add_argument("--clusters", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="endpoints, separated by commas")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    console = table.console()
    with (
        tempfile.TemporaryDirectory() as name,
        filled(
            arguments.database, arguments.clusters, Path(name), console, arguments.postgres
        ) as url,
    ):
        made = requests(dataset.sample(url))
        only = arguments.only.split(",") if arguments.only else list(made)
        if unknown := set(only) - set(made):
            parser.error(f"--only: {', '.join(made)} expected, not '{unknown.pop()}'")
        wanted = {endpoint: made[endpoint] for endpoint in only}
        with peer.serving(Path(name), url, arguments.workers, arguments.peer) as urls:
            found = measure(urls, wanted, arguments, console)
    title = f"{arguments.connections} connections, {arguments.workers} workers, {driver()}"
    told = table.show(title, found, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
