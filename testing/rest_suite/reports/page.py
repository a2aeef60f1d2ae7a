"""The report to send around: one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from ...escaping import printable_lines
from .. import coverage
from ..client import Exchange
from ..result import Outcome, Result, count
from ..summary import Summary
from .chart import chart

LONGEST = 4000
SLOWEST = 20
# the colours and fonts of the service's dashboard
STYLE = """
:root { color-scheme: light dark; --back: #f6f7f8; --panel: #fff; --text: #1b2430; --quiet: #596674;
  --line: #e1e5ea; --accent: #1a6f8f; --p50: #1a6f8f; --p95: #9cc6d6; --good: #1f7a43;
  --bad: #b3261e; --code: #eef1f4 }
@media (prefers-color-scheme: dark) { :root { --back: #12171c; --panel: #1a2128; --text: #e4e9ee;
  --quiet: #9ca9b6; --line: #2a333c; --accent: #62b6d4; --p50: #2c7d9b; --p95: #b0d9e7;
  --good: #62c487; --bad: #ff8a80; --code: #222b33 } }
body { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
  sans-serif; margin: 1.5rem auto; max-width: 72rem; padding: 0 1.25rem; color: var(--text);
  background: var(--back); font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
h1 { font-size: 1.45rem; margin-bottom: 0 } h1 + p { margin-top: 0; color: var(--quiet) }
h2 { font-size: 1.1rem; margin-top: 2rem } a, summary { color: var(--accent) }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top } td.n { text-align: right }
.passed { color: var(--good) } .failed { color: var(--bad) } .skipped { color: var(--quiet) }
.verdict { font-size: 1.2rem; font-weight: 600 }
pre { background: var(--code); padding: .6rem; overflow-x: auto; white-space: pre-wrap;
  border-radius: 6px; margin: .3rem 0; font-family: ui-monospace, "SF Mono", "Cascadia Mono",
  "DejaVu Sans Mono", Menlo, monospace; font-size: .93em }
article { border: 1px solid var(--line); border-left: 4px solid var(--bad); border-radius: 6px;
  background: var(--panel); padding: .2rem 1rem; margin: 1.2rem 0 }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif }
svg text { fill: var(--quiet) } svg .scale { stroke: var(--line) }
svg .p50 { fill: var(--p50) } svg .p95 { fill: var(--p95) }
svg .max { stroke: var(--bad); stroke-width: 2 }
td.skipped { font-size: .85em }
input { font: inherit; padding: .2rem .5rem; width: 20rem; max-width: 100%; color: var(--text);
  background: var(--panel); border: 1px solid var(--quiet); border-radius: 6px }
"""
# hides the cases that do not contain the text; the page needs nothing else, and works without
SEARCH = """
const field = document.getElementById("search");
field.hidden = false;
field.addEventListener("input", () => {
  const wanted = field.value.toLowerCase();
  for (const group of document.querySelectorAll("details.group")) {
    let found = false;
    for (const row of group.querySelectorAll("tr")) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      found = found || !row.hidden;
    }
    group.hidden = !found;
    if (wanted) group.open = found;
  }
});
"""


def rendered(summary: Summary) -> str:
    """Return the report as HTML."""
    parts = [
        *_head(summary), *_failures(summary), *_not_tested(summary), *_latencies(summary),
        *_coverage(summary), *_cases(summary),
    ]  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>REST suite: {_safe(summary.url)}</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + f"\n<script>{SEARCH}</script></body></html>\n"
    )


def _head(summary: Summary) -> Iterator[str]:
    instance = summary.instance
    kind = "failed" if summary.failures else "passed"
    yield "<h1>REST suite</h1>"
    moment = f"{summary.moment:%Y-%m-%d %H:%M:%S %Z}"
    yield f"<p>{_safe(summary.url)}{_safe(instance.prefix)}, {moment}</p>"
    yield f'<p class="verdict {kind}">{_safe(summary.verdict)}</p>'
    yield (
        f"<p>Profile {_safe(instance.profile)}, {'with' if instance.debug else 'without'} debug, "
        f"authentication {'on' if instance.authenticated else 'off'}; build "
        f"{_safe(instance.version or 'unknown')}. Data: {_safe(summary.data)}.</p>"
    )

    if summary.command:
        yield f"<pre>{_safe(summary.command)}</pre>"


def _not_tested(summary: Summary) -> Iterator[str]:
    """Yield the skipped cases by reason, and the known defects of the service."""
    if summary.reasons:
        yield "<h2>Not tested</h2>"
    for reason, results in summary.reasons.items():
        names = "<br>".join(_safe(result.id) for result in results)
        yield f"<details><summary><b>{len(results)}</b> {_safe(reason)}</summary>{names}</details>"
    if summary.known:
        yield "<h2>Known defects</h2><ul>"
        yield from (f"<li>{_safe(text)}</li>" for text in summary.known)
        yield "</ul>"


def _coverage(summary: Summary) -> Iterator[str]:
    """Yield the table of operations and aspects."""
    yield "<h2>Coverage of the contract</h2>"
    yield "<p>A number: cases that tested it. -: no case demands it.</p>"
    heads = "".join(f"<th>{aspect}</th>" for aspect in coverage.ASPECTS)
    yield f"<details><summary>operations and aspects</summary><table><tr><th></th>{heads}</tr>"
    for operation, cells in coverage.table(summary.results).items():
        row = "".join(map(_cell, cells.values()))
        yield f"<tr><td>{_safe(operation)}</td>{row}</tr>"
    yield "</table></details>"


def _cell(cell: coverage.Cell) -> str:
    if cell.failed:
        return f'<td class="failed">{cell}</td>'
    if cell.tested:
        return f'<td class="passed">{cell}</td>'
    if cell.reasons:
        return f'<td class="skipped">skipped: {_safe("; ".join(cell.reasons))}</td>'
    return "<td>-</td>"


def _failures(summary: Summary) -> Iterator[str]:
    if summary.failures:
        yield "<h2>Failures</h2>"
    for result in summary.failures:
        yield f'<article id="{_safe(result.id)}"><h3>{_safe(result.id)}</h3>'
        yield f"<p>{_safe(result.sentence)}</p><pre>{_safe(result.reason)}</pre>"
        for number, exchange in enumerate(result.exchanges, 1):
            yield from _exchange(exchange, shown=number == result.decisive)
        yield "</article>"


def _exchange(exchange: Exchange, *, shown: bool) -> Iterator[str]:
    title = f"{exchange.method} {exchange.url}"
    answer = f"{exchange.status}" if exchange.status else exchange.error
    yield f"<details{' open' if shown else ''}><summary>{_safe(title)} → {_safe(answer)}</summary>"
    yield f"<pre>{_safe(exchange.curl())}</pre>"
    headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers.items())
    body = exchange.text
    if len(body) > LONGEST:
        body = f"{body[:LONGEST]}\n... ({len(body)} characters)"
    yield f"<pre>{_safe(f'{answer} after {exchange.seconds:.3f} s')}\n{_safe(headers)}\n\n"
    yield f"{_safe(body)}</pre></details>"


def _latencies(summary: Summary) -> Iterator[str]:
    if summary.latencies:
        yield f"<h2>Latency, the {SLOWEST} slowest operations</h2>"
        yield "<p>p50 dark, p95 light, the slowest request red; at the right p95 / slowest.</p>"
        slowest = sorted(summary.latencies, key=lambda latency: -latency.at("p95"))
        yield chart(slowest[:SLOWEST])


def _cases(summary: Summary) -> Iterator[str]:
    yield '<h2>Cases</h2><input id="search" placeholder="search" hidden>'
    for group, results in summary.groups.items():
        failed = any(result.outcome is Outcome.FAILED for result in results)
        numbers = ", ".join(f"{n} {outcome}" for outcome, n in count(results).items() if n)
        yield f'<details class="group"{" open" if failed else ""}><summary><b>{_safe(group)}</b> '
        yield f"{numbers}</summary><table>"
        yield from map(_row, results)
        yield "</table></details>"


def _row(result: Result) -> str:
    name = _safe(result.name)
    if result.outcome is Outcome.FAILED:
        name = f'<a href="#{_safe(result.id)}">{name}</a>'
    return (
        f'<tr><td class="{result.outcome}">{result.outcome}</td><td>{name}</td>'
        f'<td>{_safe(result.reason)}</td><td class="n">{result.seconds:.2f} s</td></tr>'
    )


def _safe(value: Any) -> str:
    return escape(printable_lines(str(value)))
