"""Generates load on a REST API for some seconds; returns rate and latencies."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.endpoints import Request

WARM_UP_SECONDS = 1.0
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """The result of a load. Times are milliseconds; `failed` counts answers other than 200."""

    rate: float
    p50: float
    p99: float
    failed: int


def drive(url: str, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    """Send the requests round after round; `url` ends with the API prefix."""
    if shutil.which("wrk"):
        return _wrk(url, requests, connections, seconds)
    return asyncio.run(_own(url, requests, connections, seconds))


def warm_up(url: str, requests: Sequence[Request], connections: int) -> None:
    """Send the requests unmeasured, so that connections and prepared statements exist."""
    drive(url, requests, connections, WARM_UP_SECONDS)


def driver() -> str:
    """Return the name of the load generator."""
    return "wrk" if shutil.which("wrk") else "asyncio"


def _wrk(url: str, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    prefix = urlsplit(url).path
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for one in requests:
            file.write(f"{one.method}\t{prefix}{one.path}\t{one.body}\n")
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        ended = subprocess.run(
            [*command, "--timeout", "15s", "-s", str(_SCRIPT), url, "--", file.name],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    told = json.loads(ended.stdout.rpartition("RESULT ")[2])
    return Load(
        told["requests"] / told["duration"] * 1e6,
        told["p50"] / 1e3, told["p99"] / 1e3, told["failed"],
    )  # fmt: skip


async def _own(url: str, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    turn = itertools.cycle([_encoded(one, host, parts.path) for one in requests])
    begun = time.perf_counter()
    found = await asyncio.gather(
        *(_connection(host, port, turn, begun + seconds) for _ in range(connections))
    )
    took = time.perf_counter() - begun
    times = sorted(itertools.chain.from_iterable(times for times, _ in found)) or [0.0]
    return Load(
        len(times) / took,
        1e3 * times[len(times) // 2],
        1e3 * times[len(times) * 99 // 100],
        sum(failed for _, failed in found),
    )


def _encoded(request: Request, host: str, prefix: str) -> bytes:
    body = request.body.encode()
    head = (
        f"{request.method} {prefix}{request.path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _connection(
    host: str, port: int, turn: Iterator[bytes], end: float
) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection(host, port)
    times: list[float] = []
    failed = 0
    while (begun := time.perf_counter()) < end:
        writer.write(next(turn))
        head = await reader.readuntil(b"\r\n\r\n")
        await _read_body(reader, head.lower())
        times.append(time.perf_counter() - begun)
        failed += not head.startswith(b"HTTP/1.1 200")
    writer.close()
    return times, failed


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    _, named, rest = head.partition(b"\r\ncontent-length:")
    if named:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
