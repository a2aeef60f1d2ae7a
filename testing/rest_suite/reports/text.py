"""The report for people: failures, what was left out and why, groups, latencies."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...escaping import printable, printable_lines
from .. import coverage
from ..latency import shown
from ..result import Outcome
from ..summary import Summary

WIDTH = 140
SOME = 3
SLOWEST = 20


def rendered(summary: Summary) -> str:
    """Return the report as plain text."""
    file = io.StringIO()
    console = Console(file=file, width=WIDTH, highlight=False, color_system=None)
    show(summary, console)
    return file.getvalue()


def show(summary: Summary, console: Console) -> None:
    """Print the report: what failed, what was not tested and why, then the rest."""
    for result in summary.failures:
        name = printable(result.id)
        console.print(f"FAILED {name}", style="bold red", markup=False, emoji=False, soft_wrap=True)
        for line in printable_lines(result.reason).splitlines():
            _line(console, f"    {line}")
        for exchange in result.exchanges[: result.decisive][-1:]:
            _line(console, f"    {printable(exchange.curl())}")
    for line in _not_tested(summary):
        _line(console, printable(line))
    for known in summary.known:
        _line(console, f"known defect: {printable(known)}")
    instance = summary.instance
    _line(
        console,
        f"\n{summary.url}{instance.prefix} at {summary.moment:%Y-%m-%d %H:%M:%S %Z}, profile "
        f"{instance.profile}, {'with' if instance.debug else 'without'} debug, "
        f"authentication {'on' if instance.authenticated else 'off'}\n"
        f"{printable_lines(str(summary.data))}\n",
    )
    console.print(_groups(summary))
    if summary.latencies:
        console.print(_latencies(summary))
    failed = bool(summary.failures)
    console.print(summary.verdict, style="bold red" if failed else "bold green", markup=False)


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, emoji=False, soft_wrap=True)


def show_coverage(summary: Summary, console: Console) -> None:
    """Print which aspects of each operation were tested."""
    found = coverage.table(summary.results)
    table = Table("operation", title="Coverage of the contract", title_justify="left")
    for aspect in coverage.ASPECTS:
        table.add_column(aspect, justify="right")
    for operation, cells in found.items():
        table.add_row(operation, *map(str, cells.values()))
    console.print(table, width=WIDTH)
    _line(console, "A number: cases that tested it; -: no case demands it. Skipped:")
    for reason, aspects in coverage.skipped(found).items():
        places = (f"{aspect} of {_listed(names)}" for aspect, names in aspects.items())
        _line(console, f"  {printable(reason)}: {'; '.join(places)}")


def _listed(names: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
    return ", ".join(names[:SOME]) + more


def _not_tested(summary: Summary) -> Iterator[str]:
    """Yield a line for each reason for which cases were skipped."""
    for reason, results in summary.reasons.items():
        names = list(dict.fromkeys(result.id.partition("[")[0] for result in results))
        yield f"not tested ({len(results)}): {reason}: {_listed(names)}"


def _groups(summary: Summary) -> Table:
    table = Table("group", title="Cases", title_justify="left")
    for outcome in Outcome:
        table.add_column(outcome, justify="right")
    for group, results in summary.groups.items():
        numbers = [sum(result.outcome is outcome for result in results) for outcome in Outcome]
        table.add_row(Text(printable(group)), *(str(number or "") for number in numbers))
    return table


def _latencies(summary: Summary) -> Table:
    table = Table("operation", title=f"Latencies, the {SLOWEST} slowest", title_justify="left")
    for name in ("requests", "p50", "p95", "max"):
        table.add_column(name, justify="right")
    slowest = sorted(summary.latencies, key=lambda latency: -latency.at("p95"))[:SLOWEST]
    for latency in slowest:
        measures = [shown(latency.at(name)) for name in ("p50", "p95", "max")]
        table.add_row(Text(printable(latency.operation)), str(len(latency.seconds)), *measures)
    return table
