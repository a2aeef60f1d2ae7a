"""Clean-up of a third of a database while a backlog is consumed and reports are read."""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from confluent_kafka import Producer
from rich.console import Console

from benchmarks import scale_dataset
from benchmarks.candidate import Candidate
from benchmarks.databases import execute
from benchmarks.ingest import HANDLED
from benchmarks.load import Load, drive
from benchmarks.scale_dataset import FleetSample

AHEAD = 20_000
CHECKED = re.compile(rb'"LastChecked":"[^"]*"')
READERS, SECONDS = 4, 4.0


def measure(
    candidate: Candidate, sample: FleetSample, arguments: argparse.Namespace, console: Console
) -> dict[str, Any]:
    """Age a third of the reports, then clean up; return durations, rates and latencies."""
    console.print("letting a third of the reports be old ...", style="dim")
    old = scale_dataset.age(candidate.database, 3, sample)
    made = scale_dataset.requests(sample)["report"]
    told: dict[str, Any] = {"clusters": old}
    with candidate.serving(), backlog(candidate, sample):
        end = time.monotonic() + 3 * arguments.seconds
        told["before"] = watch(candidate, made, lambda: time.monotonic() < end)
        begun = time.monotonic()
        process = candidate.start("cleanup", "--older-than", "50d", "--apply")
        with ThreadPoolExecutor() as pool:
            ended = pool.submit(_ended, process)
            told["during"] = watch(candidate, made, lambda: process.poll() is None)
        told["seconds"] = ended.result() - begun
    left = execute(
        candidate.database,
        "SELECT count(*) FROM report WHERE reported_at < now() - interval '50 days'",
    )[0][0]
    if process.returncode or left:
        sys.exit(f"cleanup: status {process.returncode}, {left} reports left")
    return told


def _ended(process: subprocess.Popen[bytes]) -> float:
    process.wait()
    return time.monotonic()


@contextmanager
def backlog(candidate: Candidate, sample: FleetSample) -> Iterator[None]:
    """Keep the topic some thousand messages ahead of the service."""
    stop = threading.Event()
    messages = _ever_newer(list(islice(scale_dataset.again(sample, seed=99), len(sample.clusters))))

    def fill() -> None:
        producer = Producer({"bootstrap.servers": candidate.brokers, "linger.ms": 20})
        sent = 0
        while not stop.wait(0.1):
            handled = (candidate.metrics() or {}).get(HANDLED, 0.0)
            while sent < handled + AHEAD and not stop.is_set():
                producer.produce(candidate.topic, next(messages), partition=0)
                producer.poll(0)
                sent += 1
            producer.flush()

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _ever_newer(messages: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the messages round after round, each time checked later, at little cost."""
    parts = [CHECKED.split(message, 1) for message in messages]
    moment = datetime.now(UTC)
    while True:
        for before, after in parts:
            moment += timedelta(milliseconds=1)
            yield b'%b"LastChecked":"%b"%b' % (before, scale_dataset.text(moment).encode(), after)


def watch(candidate: Candidate, made: list[Any], going_on: Callable[[], bool]) -> dict[str, float]:
    """Read reports as long as it goes on; tell the rates and latencies of the parts."""
    begun, before = time.monotonic(), (candidate.metrics() or {}).get(HANDLED, 0.0)
    loads: list[Load] = []
    while not loads or going_on():
        loads.append(drive(candidate.url, made, READERS, SECONDS))
    handled = (candidate.metrics() or {}).get(HANDLED, 0.0) - before
    if any(load.failed for load in loads):
        sys.exit("reports could not be read")
    return {
        "messages": handled / (time.monotonic() - begun),
        "reads": statistics.median(load.rate for load in loads),
        "p50": statistics.median(load.p50 for load in loads),
        "p99": statistics.median(load.p99 for load in loads),
        "worst": max(load.p99 for load in loads),
    }
