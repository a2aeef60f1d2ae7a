"""Latency of small requests beside large answers and large bodies, beside a peer.

    python -m benchmarks.big_answers --peer /path/to/insights-results-aggregator

Two clients ask for lists of 20 MB, or upload the largest bodies, one after the other without a
pause. Meanwhile a third one sends small requests and measures how long each of them takes. One
worker process serves all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from rich.table import Table

from aggregator.db.engine import open_url
from benchmarks import databases, dataset, peer, table
from benchmarks.endpoints import Request, requests

SERVER = "postgresql://postgres:postgres@127.0.0.1:5432"
CLUSTERS = 1000
# an organization that no generated report belongs to
ORG = 4001
ROW_BYTES = 400
FILL = sa.text(
    "INSERT INTO dvo.dvo_report (org_id, cluster_id, namespace_id, namespace_name, report,"
    " recommendations, objects, reported_at, last_checked_at, rule_hits_count)"
    " SELECT :org, md5((n / 50)::text)::uuid::text, md5(n::text)::uuid::text, 'namespace-' || n,"
    ' \'"{}"\', 2, n % 90, now(), now(), \'{"anti_affinity|KEY": 3, "run_as|KEY": 4}\''
    " FROM generate_series(1, :rows) n"
)
PAUSE_SECONDS = 0.005


@dataclass(frozen=True)
class Latency:
    """Latencies of small requests in milliseconds, and how many large ones ended meanwhile."""

    p50: float
    p99: float
    p100: float
    requests: int
    large: int
    failed: int


class Client:
    """One connection to a service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._prefix = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._buffer = bytearray(256 * 1024)

    def send(self, request: Request) -> tuple[int, int]:
        """Return the status and how many bytes the answer has."""
        body = request.body.encode() or None
        self._connection.request(request.method, self._prefix + request.path, body)
        answer = self._connection.getresponse()
        size = 0
        while count := answer.readinto(self._buffer):
            size += count
        return answer.status, size

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def loads(megabytes: int) -> dict[str, Request | None]:
    """Return what two clients send all the time, by name."""
    names = [f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(400_000)]
    wide = "{" + ",".join(f'"\u00e9\u00e9{number:020}":1' for number in range(450_000)) + "}"
    detail = f"rules/a.b|K/organizations/{ORG}/users/u/clusters_detail"
    return {
        "nothing": None,
        f"2 lists of {megabytes} MB": Request("GET", f"organization/{ORG}/workloads"),
        "2 bodies of 200,000 clusters": Request(
            "GET", detail, json.dumps({"clusters": names[:200_000]})
        ),
        "2 bodies of 400,000 clusters": Request(
            "POST", f"recommendations/organizations/{ORG}/users/u/list", json.dumps(names)
        ),
        "2 bodies of 450,000 members": Request(
            "POST", f"organizations/{ORG}/clusters/reports", wide
        ),
    }


@contextmanager
def busy(url: str, request: Request | None) -> Iterator[Callable[[], int]]:
    """Send the large request over two connections; give how many were answered so far."""
    stop, answered = threading.Event(), [0, 0]

    def work(number: int) -> None:
        while request is not None and not stop.is_set():
            client = Client(url)
            try:
                while not stop.is_set():
                    client.send(request)
                    answered[number] += 1
            except (OSError, http.client.HTTPException):
                # a refused body may end with a reset connection
                answered[number] += 1
            finally:
                client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(answered)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(url: str, request: Request | None, small: Sequence[Request], seconds: float) -> Latency:
    """Time the small requests while the large one is sent over and over."""
    times, failed = [], 0
    client = Client(url)
    with busy(url, request) as large:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or (request is not None and large() < 2):
            begun = time.perf_counter()
            status, _ = client.send(small[len(times) % len(small)])
            times.append(1e3 * (time.perf_counter() - begun))
            failed += status != 200
            time.sleep(PAUSE_SECONDS)
        ended = large()
    client.close()
    times.sort()
    at99 = times[len(times) * 99 // 100]
    return Latency(statistics.median(times), at99, times[-1], len(times), ended, failed)


def show(found: Mapping[str, Mapping[str, Latency]], arguments: argparse.Namespace) -> None:
    """Print a row for each load and service, and write them to the file."""
    shown = Table(title="small requests beside large ones, ms")
    for name in ("beside", "service", "p50", "p99", "p100", "requests", "large ones", "failed"):
        shown.add_column(name)
    for load, services in found.items():
        for name, one in services.items():
            numbers = (f"{one.p50:.1f}", f"{one.p99:.1f}", f"{one.p100:.1f}")
            shown.add_row(load, name, *numbers, *map(str, (one.requests, one.large, one.failed)))
    table.console().print(shown)
    if arguments.json:
        told: dict[str, Any] = {
            load: {name: asdict(one) for name, one in services.items()}
            for load, services in found.items()
        }
        arguments.json.write_text(json.dumps(told, indent=1) + "\n")


async def fill(location: sa.URL, megabytes: int) -> None:
    """Store so many namespaces that their list has this size."""
    engine = open_url(location.set(drivername="postgresql+asyncpg"))
    async with engine.begin() as conn:
        await conn.execute(FILL, {"org": ORG, "rows": megabytes * 10**6 // ROW_BYTES})
    await engine.dispose()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", default="", help="command or URL of the service to compare with")
    parser.add_argument("--postgres", default=SERVER, help="server for the database")
    parser.add_argument("--megabytes", type=int, default=20, help="size of a list")
    parser.add_argument("--seconds", type=float, default=10, help="for each load")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    server = sa.make_url(arguments.postgres)
    with tempfile.TemporaryDirectory() as name, databases.fresh(server, Path(name)) as url:
        dataset.fill(url, CLUSTERS)
        asyncio.run(fill(url, arguments.megabytes))
        made = requests(dataset.sample(url))
        small = [one for pair in zip(made["info"], made["report"], strict=True) for one in pair]
        found: dict[str, dict[str, Latency]] = {}
        with peer.serving(Path(name), url, 1, arguments.peer) as urls:
            for load, request in loads(arguments.megabytes).items():
                for service, place in urls.items():
                    one = measure(place, request, small, arguments.seconds)
                    found.setdefault(load, {})[service] = one
    show(found, arguments)


if __name__ == "__main__":
    main()
