"""Prints the scale measurements: small and big database, and their ratio."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import Load


def show(told: dict[str, Any], arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Print a table a part; return the numbers for JSON."""
    for clusters, seconds in told.get("copied", {}).items():
        console.print(f"{int(clusters):,} clusters copied in {seconds:,.0f} s")
    written = dict(told)
    if "reads" in told:
        title = (
            f"reads: report at {arguments.connections} connections,"
            f" lists of {arguments.listed:,} clusters at {arguments.list_connections}"
        )
        _show_reads(title, told["reads"], console)
        written["reads"] = {
            endpoint: {name: asdict(load) for name, load in of.items()}
            for endpoint, of in told["reads"].items()
        }
    if "ingest" in told:
        table = Table("messages/s", "small", "big", "big / small", title="ingest")
        for kind, rates in told["ingest"].items():
            ratio = rates["big"] / rates["small"]
            table.add_row(kind, f"{rates['small']:,.0f}", f"{rates['big']:,.0f}", f"{ratio:.2f}")
        console.print(table)
    if "cleanup" in told:
        _show_cleanup(told["cleanup"], console)
    return written


def _show_reads(title: str, found: Mapping[str, Mapping[str, Load]], console: Console) -> None:
    table = Table("", title=title)
    for name in ("small/s", "p50 ms", "p99 ms", "failed", "big/s", "p50 ms", "p99 ms", "failed"):
        table.add_column(name, justify="right")
    for endpoint, of in found.items():
        cells = []
        for load in of.values():
            cells += [f"{load.rate:,.0f}", f"{load.p50:.1f}", f"{load.p99:.1f}", str(load.failed)]
        table.add_row(endpoint, *cells)
    console.print(table)


def _show_cleanup(told: Mapping[str, Any], console: Console) -> None:
    title = f"cleanup: {told['clusters']:,} clusters in {told['seconds']:,.0f} s"
    table = Table("", "messages/s", "reads/s", "p50 ms", "p99 ms", "worst p99 ms", title=title)
    for name in ("before", "during"):
        part = told[name]
        numbers = (part["reads"], part["p50"], part["p99"], part["worst"])
        table.add_row(name, f"{part['messages']:,.0f}", *(f"{number:,.1f}" for number in numbers))
    console.print(table)
