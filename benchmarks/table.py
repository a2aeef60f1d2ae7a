"""Prints a comparison: a row for each endpoint with ours, the peer's, and their ratio."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import Load

# of the table where there is no terminal to fit it to
WIDTH = 130


def console() -> Console:
    """Return a console that is wide enough for the table."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


def median(loads: Sequence[Load]) -> Load:
    """Return the median of each number, and all that failed."""
    return Load(
        statistics.median(one.rate for one in loads),
        statistics.median(one.p50 for one in loads),
        statistics.median(one.p99 for one in loads),
        sum(one.failed for one in loads),
    )


def show(
    title: str, found: Mapping[str, Mapping[str, Sequence[Load]]], console: Console
) -> dict[str, Any]:
    """Print medians and ratios of endpoint -> service -> rounds; return them for JSON.

    A ratio above 1 says that ours is faster: more requests a second, or a shorter time.
    """
    table = Table("", "requests/s", "p50 ms", "p99 ms", "failed", title=title)
    for name in ("peer's/s", "p50 ms", "p99 ms", "failed", "x rate", "x p99"):
        table.add_column(name)
    told: dict[str, Any] = {}
    for endpoint, services in found.items():
        loads = {name: median(rounds) for name, rounds in services.items()}
        told[endpoint] = {name: asdict(load) for name, load in loads.items()}
        cells = [cell for load in loads.values() for cell in _cells(load)]
        if "peer" in loads:
            ours, peer = loads["ours"], loads["peer"]
            ratios = {"rate": ours.rate / peer.rate, "p99": peer.p99 / max(ours.p99, 1e-3)}
            told[endpoint]["ratio"] = ratios
            cells += [f"{ratio:.2f}" for ratio in ratios.values()]
        table.add_row(endpoint, *cells)
    console.print(table)
    return told


def _cells(load: Load) -> list[str]:
    return [f"{load.rate:,.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}", str(load.failed or "")]
