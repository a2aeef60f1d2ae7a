"""Memory and /livez of one process while clients and producers attack it: what limits hold.

    python -m benchmarks.hostile [--only heads,uploads] [--json FILE]

The service runs with 400 MiB of data (RLIMIT_DATA) and consumes good messages meanwhile. All
attacks come from this machine over loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from rich.table import Table

from benchmarks import backlog, databases, ingest
from benchmarks.candidate import OURS, PREFIX, Candidate
from benchmarks.memory import HANDLED, SERVER, WORKERS
from benchmarks.table import console

MIB = 1024 * 1024
LIMIT = 400 * MIB
PROBE_SECONDS = 0.02
GOOD_A_SECOND = 50


@dataclass
class Row:
    """What one attack did to the service: MB, milliseconds and counts."""

    attack: str
    before: float
    peak: float
    after: float
    probes: int
    p50: float
    slowest: float
    failed: int
    consumed: int


class Target:
    """The address of the service, and for how long to attack it."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.seconds = seconds

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def many(self, count: int, one: Callable[[], Awaitable[None]]) -> None:
        """Repeat an attack in `count` tasks until the time is over."""
        end = time.monotonic() + self.seconds

        async def repeat() -> None:
            while time.monotonic() < end:
                with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                    async with asyncio.timeout(self.seconds):
                        await one()

        await asyncio.gather(*(repeat() for _ in range(count)))

    async def send(self, *pieces: bytes, answer: bool = True, pause: float = 0.0) -> None:
        """Send pieces over a connection of its own and read what comes."""
        reader, writer = await self.open()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                if pause:
                    await asyncio.sleep(pause)
            if answer:
                writer.write_eof()
                while await reader.read(MIB):
                    pass
        finally:
            writer.transport.abort()


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """Return a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: h", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def unfinished_heads(target: Target) -> None:
    """Send heads of 1 MiB that never end."""
    await target.many(200, lambda: target.send(b"GET /" + b"a" * MIB, answer=False, pause=0.5))


async def finished_heads(target: Target) -> None:
    """Send complete heads as large as they may be, with a path that is costly to decode."""
    path = "/" + "%41" * (240 * 1024 // 3)
    await target.many(100, lambda: target.send(request("GET", path)))


async def medium_heads(target: Target) -> None:
    """Send complete heads of 16 KiB on many connections."""
    path = "/" + "%41" * (16 * 1024 // 3)
    await target.many(300, lambda: target.send(request("GET", path)))


async def slow_heads(target: Target) -> None:
    """Keep thousands of connections with a head that grows by a byte a second (slow loris)."""
    pieces = [b"GET / HTTP/1.1\r\nx: ", *[b"a"] * round(target.seconds)]
    await target.many(1500, lambda: target.send(*pieces, answer=False, pause=1.0))


async def aborted_uploads(target: Target) -> None:
    """Send 4 MiB less one byte of a body, and go."""
    path = PREFIX + "recommendations/organizations/1/users/u/list"
    data = request("POST", path, body=b"[" + b"1," * (2 * MIB))[:-1]
    await target.many(10, lambda: target.send(data, answer=False))


async def tiny_chunks(target: Target) -> None:
    """Send bodies in chunks of a byte on many connections."""
    path = PREFIX + "recommendations/organizations/1/users/u/list"
    data = request("POST", path, "Transfer-Encoding: chunked") + b"1\r\n1\r\n" * 50_000
    await target.many(100, lambda: target.send(data))


async def large_bodies(target: Target) -> None:
    """Send JSON bodies of 200,000 clusters."""
    path = PREFIX + "recommendations/organizations/1/users/u/list"
    names = [f"00000000-0000-0000-0000-{number:012x}" for number in range(200_000)]
    data = request("POST", path, body=json.dumps(names).encode())
    await target.many(4, lambda: target.send(data))


async def expressions(target: Target) -> None:
    """Send rule selectors of 60,000 letters."""
    path = PREFIX + f"rules/users/u/organizations/1/{quote('a' * 60_000)}"
    selector = PREFIX + f"rule/{quote('a.' * 30_000)}%7Cb/organizations/1"
    datas = [request("GET", path), request("GET", selector)]
    await target.many(8, lambda: target.send(*datas))


async def unread_answers(target: Target) -> None:
    """Ask for the API's description again and again, and read nothing."""
    data = request("GET", PREFIX + "openapi.json").replace(b"Connection: close\r\n", b"") * 200
    await target.many(300, lambda: target.send(data, answer=False, pause=target.seconds))


async def pipelined(target: Target) -> None:
    """Send 10,000 requests at once over each connection."""
    data = request("GET", "/livez").replace(b"Connection: close\r\n", b"") * 10_000
    await target.many(4, lambda: target.send(data))


async def connections(target: Target) -> None:
    """Open connections and send nothing."""
    await target.many(3000, lambda: target.send(b"", answer=False, pause=target.seconds / 3))


CLIENTS = {
    "heads of 1 MiB without end": unfinished_heads,
    "complete heads of 240 KiB": finished_heads,
    "complete heads of 16 KiB": medium_heads,
    "slow heads, 1,500 connections": slow_heads,
    "3,000 idle connections": connections,
    "aborted uploads of 4 MiB": aborted_uploads,
    "bodies in chunks of a byte": tiny_chunks,
    "JSON bodies of 200,000 clusters": large_bodies,
    "rule selectors of 60,000 letters": expressions,
    "answers that nobody reads": unread_answers,
    "10,000 pipelined requests": pipelined,
}


def bombs(good: bytes) -> list[bytes]:
    """Return messages of 32 KB that unpack to 30 MiB."""
    document = json.loads(good)
    document["Report"]["reports"][0]["details"]["pad"] = "x" * 30 * MIB
    return [gzip.compress(json.dumps(document).encode())] * 30


PRODUCERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "30 messages of 30 MiB in gzip": bombs,
    "45,000 empty gzip members": lambda _: [gzip.compress(b"") * 45_000] * 7,
}


def attack(name: str, port: int, seconds: float) -> None:
    """Run one of CLIENTS, in a process of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    asyncio.run(CLIENTS[name](Target(port, seconds)))


def memory(pid: int, name: str) -> float:
    """Return VmRSS or VmHWM in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024 / 1e6


def forget_peak(pid: int) -> None:
    """Let VmHWM begin at VmRSS again."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Probe(threading.Thread):
    """Asks /livez over a new connection, again and again."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.times: list[float] = []
        self.failed = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Measure until `ended`."""
        import http.client

        while not self.ended.wait(PROBE_SECONDS):
            began = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request("GET", "/livez")
                self.failed += connection.getresponse().status != 200
            except OSError:
                self.failed += 1
            finally:
                connection.close()
            self.times.append((time.perf_counter() - began) * 1000)


@contextmanager
def probing(port: int) -> Iterator[Probe]:
    """Probe as long as the block."""
    probe = Probe(port)
    probe.start()
    try:
        yield probe
    finally:
        probe.ended.set()
        probe.join()


class Measurement:
    """A service, its topic, and good messages for it."""

    def __init__(
        self, candidate: Candidate, pid: int, good: Iterator[bytes], calm_seconds: float
    ) -> None:
        self.candidate = candidate
        self.pid = pid
        self.good = good
        self.calm_seconds = calm_seconds

    def consumed(self) -> int:
        """Return how many messages the service has handled."""
        return int((self.candidate.metrics() or {}).get(HANDLED, 0))

    def send_good(self, seconds: float) -> None:
        """Send good messages all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            backlog.send(
                self.candidate.brokers, self.candidate.topic, islice(self.good, GOOD_A_SECOND)
            )
            time.sleep(1)

    def run(self, name: str, seconds: float) -> Row:
        """Attack, then wait until the service is calm again."""
        forget_peak(self.pid)
        before, count = memory(self.pid, "VmRSS"), self.consumed()
        with probing(self.candidate.port) as probe:
            if name in CLIENTS:
                other = multiprocessing.Process(
                    target=attack, args=(name, self.candidate.port, seconds)
                )
                other.start()
                self.send_good(seconds)
                other.join(60)
            elif name in PRODUCERS:
                bad = PRODUCERS[name](next(self.good))
                backlog.send(self.candidate.brokers, self.candidate.topic, bad)
                self.send_good(seconds)
            else:
                self.send_good(seconds)
        peak = memory(self.pid, "VmHWM")
        time.sleep(self.calm_seconds)
        times = probe.times
        return Row(
            attack=name, before=before, peak=peak, after=memory(self.pid, "VmRSS"),
            probes=len(times), p50=statistics.median(times), slowest=max(times),
            failed=probe.failed, consumed=self.consumed() - count,
        )  # fmt: skip


def measure(arguments: argparse.Namespace) -> list[Row]:
    """Run the attacks one after the other on one service."""
    names = ["none", *CLIENTS, *PRODUCERS]
    wanted = [one for one in arguments.only.split(",") if one]
    names = [name for name in names if not wanted or any(one in name for one in wanted)]
    good = iter(ingest.messages_of(2_000, 1_000_000))
    rows = []
    with (
        backlog.topic_of(arguments.brokers) as topic,
        tempfile.TemporaryDirectory() as folder,
        databases.fresh(sa.make_url(arguments.postgres), Path(folder)) as url,
    ):
        candidate = Candidate(
            "ours", OURS, Path(folder) / "ours", url, arguments.brokers, topic, {WORKERS: "1"}
        )
        candidate.migrate()
        with candidate.serving() as process:
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (LIMIT, LIMIT))
            measurement = Measurement(candidate, process.pid, good, arguments.calm)
            # imports and first statements are no part of what follows
            measurement.run("none", 3)
            for name in names:
                rows.append(measurement.run(name, arguments.seconds))
                print(json.dumps(asdict(rows[-1])), flush=True)
            if process.poll() is not None:
                raise SystemExit(f"the service ended with {process.returncode}")
    return rows


def show(rows: list[Row]) -> None:
    """Print a line for each attack."""
    table = Table("attack", title="one process, 400 MiB of data")
    for column in ("MB before", "peak", "after", "/livez p50 ms", "max", "failed", "consumed"):
        table.add_column(column, justify="right")
    for row in rows:
        numbers = (row.before, row.peak, row.after, row.p50, row.slowest)
        table.add_row(
            row.attack, *(f"{one:.0f}" for one in numbers), str(row.failed), str(row.consumed)
        )
    console().print(table)


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--brokers", default="localhost:29092")
    parser.add_argument("--postgres", default=SERVER)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of an attack")
    parser.add_argument("--calm", type=float, default=8.0, help="seconds from the end to `after`")
    parser.add_argument("--only", default="", help="words in names of attacks, with commas")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    arguments = parser.parse_args()
    rows = measure(arguments)
    show(rows)
    if arguments.json:
        told: list[dict[str, Any]] = [asdict(row) for row in rows]
        arguments.json.write_text(json.dumps(told, indent=1) + os.linesep)


if __name__ == "__main__":
    main()
