"""Figures of the dashboard out of snapshots of the metrics: totals, rates, quantiles."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..metrics import Snapshot

# upper bound of a bucket -> observations up to it
Buckets = dict[float, float]

# of a few texts, read again for each endpoint
_bound = functools.cache(float)

_COUNTERS = {
    "consumed_messages": "consumed",
    "written_reports": "written",
    "old_reports": "old",
    "messages_with_empty_rule_execution_result": "empty",
    "consuming_errors": "invalid",
}


@dataclass
class Totals:
    """What the processes counted up to a moment; `at` is of the monotonic clock, in seconds."""

    at: float = 0.0
    counters: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    kinds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    batches: Buckets = field(default_factory=lambda: defaultdict(float))
    requests: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    statuses: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    times: dict[str, Buckets] = field(default_factory=dict)

    def add(self, snapshot: Snapshot, namespace: str) -> None:
        """Add what one process counted."""
        prefix = f"{namespace}_" if namespace else ""
        for name, _, _, samples in snapshot:
            read = _READERS.get(name.removeprefix(prefix))
            if read is not None:
                for sample, labels, value in samples:
                    read(self, sample.removeprefix(prefix), labels, value)


def _counter(totals: Totals, sample: str, _labels: Mapping[str, str], value: float) -> None:
    totals.counters[_COUNTERS[sample.removesuffix("_total")]] += value


def _kind(totals: Totals, _sample: str, labels: Mapping[str, str], value: float) -> None:
    totals.kinds[labels["kind"]] += value


def _batch(totals: Totals, sample: str, labels: Mapping[str, str], value: float) -> None:
    if sample.endswith("_bucket"):
        totals.batches[_bound(labels["le"])] += value


def _request(totals: Totals, _sample: str, labels: Mapping[str, str], value: float) -> None:
    totals.requests[labels["endpoint"]] += value


def _status(totals: Totals, _sample: str, labels: Mapping[str, str], value: float) -> None:
    totals.statuses[labels["endpoint"], labels["status_code"]] += value


def _time(totals: Totals, sample: str, labels: Mapping[str, str], value: float) -> None:
    if sample.endswith("_bucket"):
        buckets = totals.times.setdefault(labels["endpoint"], defaultdict(float))
        buckets[_bound(labels["le"])] += value


_READERS = {
    **dict.fromkeys(_COUNTERS, _counter),
    "refused_messages": _kind,
    "batch_seconds": _batch,
    "api_endpoints_requests": _request,
    "api_endpoints_status_codes": _status,
    "api_endpoints_response_time": _time,
}


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return the quantile in seconds, interpolated in its bucket as Prometheus does.

    None without observations; above the last bound, that bound.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if total <= 0:
        return None
    rank, lower, below = share * total, 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= rank:
            if bound == float("inf"):
                return lower
            within = count - below
            return lower + (bound - lower) * ((rank - below) / within if within else 1.0)
        lower, below = bound, count
    return lower


def difference(now: Mapping[Any, float], before: Mapping[Any, float]) -> dict[Any, float]:
    """Return what was counted between two moments."""
    return {key: value - before.get(key, 0.0) for key, value in now.items()}


def endpoints(now: Totals, before: Totals) -> list[dict[str, Any]]:
    """Return rate, quantiles and statuses of each endpoint that was requested, by name.

    Rate and quantiles are of the time between the two; statuses are since the start.
    """
    seconds = now.at - before.at if before.at else 0.0
    statuses: dict[str, dict[str, int]] = defaultdict(dict)
    for (endpoint, status), count in sorted(now.statuses.items()):
        statuses[endpoint][status] = int(count)
    found = []
    for endpoint in sorted(now.requests):
        count = now.requests[endpoint] - before.requests.get(endpoint, 0.0)
        recent: dict[Any, float] = {}
        if count:
            recent = difference(now.times.get(endpoint, {}), before.times.get(endpoint, {}))
        found.append(
            {
                "endpoint": endpoint,
                "rate": count / seconds if seconds > 0 else None,
                "total": int(now.requests[endpoint]),
                **quantiles(recent),
                "statuses": statuses[endpoint],
            }
        )
    return found


def quantiles(buckets: Mapping[float, float]) -> dict[str, float | None]:
    """Return the median and the 99th percentile."""
    return {"p50": quantile(buckets, 0.5), "p99": quantile(buckets, 0.99)}


def gauges(snapshot: Snapshot, names: Sequence[str]) -> dict[str, float]:
    """Return gauges without labels by name."""
    return {name: samples[0][2] for name, _, _, samples in snapshot if name in names and samples}


def rate(samples: Iterable[tuple[float, float]]) -> float | None:
    """Return the rate between the first and the last (seconds, count), None for a single one."""
    ends = list(samples)
    if len(ends) < 2 or ends[-1][0] <= ends[0][0]:
        return None
    return (ends[-1][1] - ends[0][1]) / (ends[-1][0] - ends[0][0])
