"""Declares all Prometheus metrics, named as in the Go service, and merges those of processes."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

# families of a process: [name, help, type, [[sample, labels, value], ...]]
Snapshot = list[Any]
# types that only increase; the values of an exited process still count
_CUMULATIVE = ("counter", "histogram")
_ROUNDING = 1e-9
# name and labels of a sample
_Key = tuple[str, tuple[tuple[str, str], ...]]
# the exceptions to adding samples of all processes
_MINIMUM = "process_start_time_seconds"
_MAXIMUM = "python_info"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

ANSWERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
WORK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
MINUTES = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 360, 720, 1440, 2880, 10080, 43200)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


class Metrics:
    """The metrics of one process in a separate registry; `namespace` prefixes their names."""

    def __init__(self, namespace: str = "") -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._namespace = namespace
        self._bare: set[str] = set()
        self.finished_requests = 0
        self._last_sums: dict[_Key, float] = {}
        self._declare_ingest()
        self._declare_rest()
        self._declare_processes()
        self._process = ProcessCollector(registry=self._registry)
        for collector in (PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def _declare_ingest(self) -> None:
        self.consumed_messages = self._counter("consumed_messages", "Messages taken from the topic")
        self.consuming_errors = self._counter("consuming_errors", "Invalid messages")
        self.empty_results = self._counter(
            "messages_with_empty_rule_execution_result", "Messages skipped for an empty report"
        )
        self.successful_messages_processing_time = self._histogram(
            "successful_messages_processing_time", "Seconds spent on a valid message", WORK
        )
        self.failed_messages_processing_time = self._histogram(
            "failed_messages_processing_time", "Seconds spent on an invalid message", WORK
        )
        self.last_checked_lag = self._histogram(
            "last_checked_timestamp_lag_minutes", "Minutes from LastChecked to now", MINUTES
        )
        self.produced_messages = self._counter(
            "produced_messages", "Tracker messages and dead letters that the broker acknowledged"
        )
        self.written_reports = self._counter("written_reports", "Reports written to the storage")
        self.old_reports = self._counter(
            "old_reports", "Reports skipped because the stored report is as new or newer"
        )
        self.refused_messages = self._counter(
            "refused_messages", "Invalid messages by kind", ("kind",)
        )
        self.batch_size = self._histogram("batch_size", "Messages in a batch", SIZES)
        self.batch_seconds = self._histogram("batch_seconds", "Seconds spent on a batch", WORK)
        self.consumer_lag = self._gauge(
            "consumer_lag",
            "Messages of a partition that are not committed yet",
            ("topic", "partition"),
        )
        self.paused = self._gauge(
            "paused", "1 while consuming is paused because a dependency is unavailable", ("topic",)
        )

    def _declare_rest(self) -> None:
        self.feedback_on_rules = self._counter("feedback_on_rules", "Votes and comments stored")
        self.rating_on_rules = self._counter("rating_on_rules", "Ratings stored")
        self.sql_queries_counter = self._counter("sql_queries_counter", "SQL statements run")
        self.sql_queries_durations = self._histogram(
            "sql_queries_durations", "Seconds spent on a statement, by its text", WORK, ("query",)
        )
        self.api_endpoints_requests = self._counter(
            "api_endpoints_requests", "Requests by endpoint", ("endpoint",)
        )
        self.api_endpoints_response_time = self._histogram(
            "api_endpoints_response_time", "Seconds to the answer", ANSWERS, ("endpoint",)
        )
        self.api_endpoints_status_codes = self._counter(
            "api_endpoints_status_codes", "Answers by status", ("status_code", "endpoint")
        )
        self.loop_lag_seconds = self._histogram(
            "loop_lag_seconds", "Seconds by which the event loop calls a timer too late", LAGS
        )
        # looking a child up by its labels costs more than incrementing it
        self._requests_of = functools.cache(self.api_endpoints_requests.labels)
        self._answers_of = functools.cache(self.api_endpoints_status_codes.labels)
        self._times_of = functools.cache(self.api_endpoints_response_time.labels)

    def _declare_processes(self) -> None:
        # of all processes together it is their number
        self._gauge("workers", "Running processes that share the port").set(1)
        self.worker_restarts = self._counter(
            "worker_restarts", "Workers that ended unexpectedly and were started again"
        )

    def _counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        self._bare.add(f"{self._namespace}_{name}" if self._namespace else name)
        return Counter(name, text, labels, namespace=self._namespace, registry=self._registry)

    def _gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, text, labels, namespace=self._namespace, registry=self._registry)

    def _histogram(
        self, name: str, text: str, buckets: Sequence[float], labels: Sequence[str] = ()
    ) -> Histogram:
        return Histogram(
            name, text, labels, self._namespace, registry=self._registry, buckets=buckets
        )

    def request_started(self, endpoint: str) -> None:
        """Count a request to the route with this template."""
        self._requests_of(endpoint).inc()

    def request_finished(self, endpoint: str, status: int, seconds: float) -> None:
        """Count the answer to a request, and the time it took."""
        self.finished_requests += 1
        self._answers_of(str(status), endpoint).inc()
        self._times_of(endpoint).observe(seconds)

    def query_started(self) -> None:
        """Count a SQL statement."""
        self.sql_queries_counter.inc()

    def query_finished(self, text: str, seconds: float) -> None:
        """Observe the duration of a successful statement."""
        self.sql_queries_durations.labels(text).observe(seconds)

    def pieces(self) -> Iterator[Snapshot]:
        """Yield what the dashboard shows, one metric at a time.

        Reading all endpoints takes milliseconds, so the caller can let requests in between.
        """
        for one in (
            self.consumed_messages,
            self.consuming_errors,
            self.refused_messages,
            self.written_reports,
            self.old_reports,
            self.empty_results,
            self.batch_seconds,
            self.api_endpoints_requests,
            self.api_endpoints_status_codes,
            self.api_endpoints_response_time,
            self._process,
        ):
            yield _snapshot(one.collect())

    def snapshot(self) -> Snapshot:
        """Return all metrics in a form that JSON can represent, for another process."""
        return _snapshot(self._registry.collect())

    def render(self, others: Sequence[Snapshot] = ()) -> bytes:
        """Return all metrics in Prometheus' text format, with those of other processes added."""
        families = self._registry.collect()
        if others:
            families = self._not_rounded_down(_added([self.snapshot(), *others]))
        return "".join(self._lines(families)).encode()

    def _not_rounded_down(self, families: list[Metric]) -> list[Metric]:
        """Keep sums of seconds from decreasing by a rounding error.

        Added in another order, after a worker has ended, they differ in the last digit, and
        Prometheus takes any decrease for a reset.
        """
        for family in families:
            if family.type in _CUMULATIVE:
                for number, sample in enumerate(family.samples):
                    key = (sample.name, tuple(sample.labels.items()))
                    last = self._last_sums.get(key, sample.value)
                    if sample.value < last <= sample.value * (1 + _ROUNDING):
                        family.samples[number] = sample._replace(value=last)
                    else:
                        self._last_sums[key] = sample.value
        return families

    def _lines(self, families: Iterable[Metric]) -> Iterator[str]:
        # prometheus_client appends _total to counters; dashboards and alerts of the Go service use
        # the names without it
        for family in families:
            bare = family.name in self._bare
            name = f"{family.name}_total" if family.type == "counter" and not bare else family.name
            yield f"# HELP {name} {_escaped(family.documentation)}\n"
            yield f"# TYPE {name} {'untyped' if family.type == 'unknown' else family.type}\n"
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    yield _line(sample, family.name if bare else sample.name)


def cumulative(snapshot: Snapshot) -> Snapshot:
    """Return the counters and histograms of a snapshot, which outlive their process."""
    return [family for family in snapshot if family[2] in _CUMULATIVE]


def merged(snapshots: Sequence[Snapshot]) -> Snapshot:
    """Return the snapshots of several processes as one."""
    return _snapshot(_added(snapshots))


def _snapshot(families: Iterable[Metric]) -> Snapshot:
    return [
        [
            family.name,
            family.documentation,
            family.type,
            [
                [one.name, one.labels, one.value]
                for one in family.samples
                if not one.name.endswith("_created")
            ],
        ]
        for family in families
    ]


def _added(snapshots: Sequence[Snapshot]) -> list[Metric]:
    """Add the samples of several processes, family by family."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[_Key, float]] = {}
    for name, text, kind, samples in (family for one in snapshots for family in one):
        families.setdefault(name, Metric(name, text, kind))
        known = values.setdefault(name, {})
        for sample, labels, value in samples:
            key = (sample, tuple(labels.items()))
            known[key] = _both(sample, known[key], value) if key in known else value
    for name, family in families.items():
        family.samples = [
            Sample(sample, dict(labels), value) for (sample, labels), value in values[name].items()
        ]
    return list(families.values())


def _both(sample: str, one: float, other: float) -> float:
    if sample == _MINIMUM:
        return min(one, other)
    return max(one, other) if sample == _MAXIMUM else one + other


def _line(sample: Sample, name: str) -> str:
    labels = ",".join(f'{key}="{_quoted(value)}"' for key, value in sample.labels.items())
    value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]
    return f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
