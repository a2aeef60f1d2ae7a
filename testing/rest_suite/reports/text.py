"""The report for people: failures, what was left out and why, groups, latencies."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...escaping import printable, printable_lines
from ..latency import shown
from ..result import Outcome
from ..summary import Summary

WIDTH = 110


def rendered(summary: Summary) -> str:
    """Return the report as plain text."""
    file = io.StringIO()
    console = Console(file=file, width=WIDTH, highlight=False, color_system=None)
    show(summary, console)
    return file.getvalue()


def show(summary: Summary, console: Console) -> None:
    """Print the report."""
    instance = summary.instance
    console.print(
        f"{summary.url}{instance.prefix} at {summary.moment:%Y-%m-%d %H:%M:%S %Z}, profile "
        f"{instance.profile}, {'with' if instance.debug else 'without'} debug, "
        f"authentication {'on' if instance.authenticated else 'off'}\n"
        f"{printable_lines(str(summary.data))}\n",
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    for result in summary.failures:
        name, reason = printable(result.id), printable(result.reason)
        console.print(f"FAILED {name}", style="bold red", markup=False, emoji=False, soft_wrap=True)
        console.print(f"    {reason}", markup=False, emoji=False, soft_wrap=True)
        for exchange in result.exchanges[: result.decisive][-1:]:
            command = printable(exchange.curl())
            console.print(f"    {command}", markup=False, emoji=False, soft_wrap=True)
    for line in _left_out(summary):
        console.print(printable(line), markup=False, emoji=False, soft_wrap=True)
    console.print(_groups(summary))
    if summary.latencies:
        console.print(_latencies(summary))
    failed = bool(summary.failures)
    console.print(summary.verdict, style="bold red" if failed else "bold green", markup=False)


def _left_out(summary: Summary) -> Iterator[str]:
    """Yield each reason for which cases were skipped, with how many they are."""
    reasons: dict[str, list[str]] = {}
    for result in summary.results:
        if result.outcome is Outcome.SKIPPED:
            reasons.setdefault(result.reason, []).append(result.id)
    for reason, names in reasons.items():
        some = ", ".join(dict.fromkeys(names[:3])) + (" ..." if len(names) > 3 else "")
        yield f"skipped {len(names)}: {reason} ({some})"


def _groups(summary: Summary) -> Table:
    table = Table("group", title="Cases", title_justify="left")
    for outcome in Outcome:
        table.add_column(outcome, justify="right")
    for group, results in summary.groups.items():
        numbers = [sum(result.outcome is outcome for result in results) for outcome in Outcome]
        table.add_row(Text(printable(group)), *(str(number or "") for number in numbers))
    return table


def _latencies(summary: Summary) -> Table:
    table = Table("operation", title="Latencies", title_justify="left")
    for name in ("requests", "p50", "p95", "max"):
        table.add_column(name, justify="right")
    for latency in sorted(summary.latencies, key=lambda latency: -latency.at("p95")):
        measures = [shown(latency.at(name)) for name in ("p50", "p95", "max")]
        table.add_row(Text(printable(latency.operation)), str(len(latency.seconds)), *measures)
    return table
