"""The latencies of operations as a chart: bars of p50 and p95, a mark for the slowest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ..latency import Latency, shown

NAMES, BARS, AFTER, ROW, TOP = 190, 480, 130, 22, 26


def chart(latencies: Sequence[Latency]) -> str:
    """Return SVG; the scale ends where the slowest p95 does, marks beyond it stand at its end."""
    slowest = max((latency.at("p95") for latency in latencies), default=0.0) or 0.001
    height = TOP + ROW * len(latencies)
    ordered = sorted(latencies, key=lambda latency: -latency.at("p95"))
    rows = "".join(
        line for number, latency in enumerate(ordered) for line in _row(number, latency, slowest)
    )
    return (
        f'<svg role="img" aria-label="latency per operation" viewBox="0 0 '
        f'{NAMES + BARS + AFTER} {height}" width="{NAMES + BARS + AFTER}">'
        f"{''.join(_scale(slowest, height))}{rows}</svg>"
    )


def _scale(slowest: float, height: int) -> Iterator[str]:
    """Yield four lines with what they stand for."""
    for quarter in range(5):
        x = NAMES + BARS * quarter // 4
        yield f'<line class="scale" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height}"/>'
        label = shown(slowest * quarter / 4)
        yield f'<text x="{x}" y="{TOP - 12}" text-anchor="middle">{label}</text>'


def _row(number: int, latency: Latency, slowest: float) -> Iterator[str]:
    y = TOP + ROW * number
    p50, p95, most = (latency.at(measure) for measure in ("p50", "p95", "max"))
    yield f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(latency.operation)}</text>'
    for kind, seconds in (("p95", p95), ("p50", p50)):
        width = max(1.0, BARS * seconds / slowest)
        yield f'<rect class="{kind}" x="{NAMES}" y="{y + 4}" width="{width:.1f}" height="14">'
        yield f"<title>{kind} {shown(seconds)}, {len(latency.seconds)} requests</title></rect>"
    x = NAMES + min(BARS, BARS * most / slowest)
    yield f'<line class="max" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2}" y2="{y + 20}"/>'
    after = f"{shown(p95)} / {shown(most)}"
    yield f'<text x="{NAMES + BARS + 8}" y="{y + 15}">{after}</text>'
