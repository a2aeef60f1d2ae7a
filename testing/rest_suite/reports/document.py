"""The report for programs: one JSON document; times are seconds, moments ISO 8601 with a zone."""

from __future__ import annotations

import json
from dataclasses import asdict

from ...escaping import printable_json
from ..client import Exchange
from ..latency import Latency
from ..result import Result
from ..summary import Summary


def rendered(summary: Summary) -> str:
    """Return the report as JSON."""
    document = {
        "url": summary.url,
        "instance": asdict(summary.instance),
        "data": summary.data,
        "moment": summary.moment.isoformat(timespec="seconds"),
        "seconds": round(summary.seconds, 3),
        "interrupted": summary.interrupted,
        "counts": summary.counts,
        "cases": [_case(result) for results in summary.groups.values() for result in results],
        "latencies": [_latency(latency) for latency in summary.latencies],
    }
    return printable_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _case(result: Result) -> dict[str, object]:
    return {
        "group": result.group,
        "name": result.name,
        "sentence": result.sentence,
        "outcome": result.outcome,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "requests": len(result.timings),
        "exchanges": [_exchange(exchange) for exchange in result.exchanges],
    }


def _exchange(exchange: Exchange) -> dict[str, object]:
    return {
        "operation": exchange.operation,
        "curl": exchange.curl(),
        "status": exchange.status,
        "headers": dict(exchange.headers),
        "body": exchange.text,
        "error": exchange.error,
        "moment": exchange.moment.isoformat(timespec="milliseconds"),
        "seconds": round(exchange.seconds, 4),
    }


def _latency(latency: Latency) -> dict[str, object]:
    measures = {name: round(latency.at(name), 4) for name in ("p50", "p90", "p95", "p99", "max")}
    return {"operation": latency.operation, "requests": len(latency.seconds), **measures}
