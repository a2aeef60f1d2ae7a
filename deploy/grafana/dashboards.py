"""Grafana dashboard as code: `python deploy/grafana/dashboards.py` writes dashboards/*.json.

Names of metrics have no `metrics.namespace`. The label `endpoint` of requests is called
`exported_endpoint` once scraped by the Prometheus operator, which has a label of that name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
OF = 'namespace="$namespace"'
WIDTH, HEIGHT = 8, 8
COLUMNS = 24

# each panel: title, unit, and pairs of a legend and a query
Panel = tuple[str, str, list[tuple[str, str]]]
ROWS: list[tuple[str, list[Panel]]] = [
    (
        "Overview",
        [
            ("Pods that answer", "short", [("{{container}}", f"sum by (container) (up{{{OF}}})")]),
            (
                "Waiting for a dependency",
                "short",
                [("{{container}} {{topic}}", f"max by (container, topic) (paused{{{OF}}})")],
            ),
            (
                "Lag in messages",
                "short",
                [("{{container}} {{topic}}", f"sum by (container, topic) (consumer_lag{{{OF}}})")],
            ),
        ],
    ),
    (
        "Ingest",
        [
            (
                "Messages",
                "cps",
                [
                    (f"{{{{container}}}} {text}", f"sum by (container) (rate({name}{{{OF}}}[5m]))")
                    for text, name in (
                        ("consumed", "consumed_messages"),
                        ("stored", "written_reports"),
                        ("old", "old_reports"),
                        ("empty", "messages_with_empty_rule_execution_result"),
                        ("invalid", "consuming_errors"),
                        ("sent", "produced_messages"),
                    )
                ],
            ),
            (
                "Invalid messages by kind",
                "cps",
                [
                    (
                        "{{container}} {{kind}}",
                        f"sum by (container, kind) (rate(refused_messages{{{OF}}}[5m]))",
                    )
                ],
            ),
            (
                "Age of reports (minutes)",
                "m",
                [
                    (
                        f"{{{{container}}}} {share:.0%}",
                        f"histogram_quantile({share}, sum by (container, le) "
                        f"(rate(last_checked_timestamp_lag_minutes_bucket{{{OF}}}[15m])))",
                    )
                    for share in (0.5, 0.95)
                ],
            ),
            (
                "Time of a batch",
                "s",
                [
                    (
                        f"{{{{container}}}} {share:.0%}",
                        f"histogram_quantile({share}, sum by (container, le) "
                        f"(rate(batch_seconds_bucket{{{OF}}}[5m])))",
                    )
                    for share in (0.5, 0.99)
                ],
            ),
            (
                "Messages of a batch (mean)",
                "short",
                [
                    (
                        "{{container}}",
                        f"sum by (container) (rate(batch_size_sum{{{OF}}}[5m])) / "
                        f"sum by (container) (rate(batch_size_count{{{OF}}}[5m]))",
                    )
                ],
            ),
            (
                "Time of a message (mean)",
                "s",
                [
                    (
                        f"{{{{container}}}} {text}",
                        f"sum by (container) (rate({name}_sum{{{OF}}}[5m])) / "
                        f"sum by (container) (rate({name}_count{{{OF}}}[5m]))",
                    )
                    for text, name in (
                        ("stored", "successful_messages_processing_time"),
                        ("invalid", "failed_messages_processing_time"),
                    )
                ],
            ),
        ],
    ),
    (
        "Lag",
        [
            (
                "Lag by partition",
                "short",
                [("{{container}} {{topic}} {{partition}}", f"consumer_lag{{{OF}}}")],
            ),
            (
                "Seconds until the backlog is consumed",
                "s",
                [
                    (
                        "{{container}}",
                        f"sum by (container) (consumer_lag{{{OF}}}) / "
                        f"sum by (container) (rate(consumed_messages{{{OF}}}[5m]))",
                    )
                ],
            ),
        ],
    ),
    (
        "REST API",
        [
            (
                "Requests",
                "reqps",
                [
                    (
                        "{{exported_endpoint}}",
                        f"sum by (exported_endpoint) (rate(api_endpoints_requests{{{OF}}}[5m]))",
                    )
                ],
            ),
            (
                "Answers by status",
                "reqps",
                [
                    (
                        "{{status_code}}",
                        f"sum by (status_code) (rate(api_endpoints_status_codes{{{OF}}}[5m]))",
                    )
                ],
            ),
            (
                "Time of an answer, 95 %",
                "s",
                [
                    (
                        "{{exported_endpoint}}",
                        "histogram_quantile(0.95, sum by (exported_endpoint, le) "
                        f"(rate(api_endpoints_response_time_bucket{{{OF}}}[5m])))",
                    )
                ],
            ),
            (
                "Votes, ratings",
                "cps",
                [
                    (text, f"sum(rate({name}{{{OF}}}[5m]))")
                    for text, name in (
                        ("votes and comments", "feedback_on_rules"),
                        ("ratings", "rating_on_rules"),
                    )
                ],
            ),
        ],
    ),
    (
        "SQL (with log_sql_queries)",
        [
            (
                "Statements",
                "cps",
                [
                    (
                        "{{container}}",
                        f"sum by (container) (rate(sql_queries_counter{{{OF}}}[5m]))",
                    )
                ],
            ),
            (
                "Slowest statements, 99 %",
                "s",
                [
                    (
                        "{{query}}",
                        "topk(10, histogram_quantile(0.99, sum by (query, le) "
                        f"(rate(sql_queries_durations_bucket{{{OF}}}[5m]))))",
                    )
                ],
            ),
            (
                "Time spent by statement",
                "percentunit",
                [
                    (
                        "{{query}}",
                        f"topk(10, sum by (query) (rate(sql_queries_durations_sum{{{OF}}}[5m])))",
                    )
                ],
            ),
        ],
    ),
    (
        "Processes",
        [
            ("Workers", "short", [("{{pod}}", f"workers{{{OF}}}")]),
            (
                "Restarts in an hour",
                "short",
                [
                    ("{{pod}} worker", f"increase(worker_restarts{{{OF}}}[1h])"),
                    ("{{pod}} service", f"changes(process_start_time_seconds{{{OF}}}[1h])"),
                ],
            ),
            (
                "Delay of the event loop, 99 %",
                "s",
                [
                    (
                        "{{pod}}",
                        "histogram_quantile(0.99, sum by (pod, le) "
                        f"(rate(loop_lag_seconds_bucket{{{OF}}}[5m])))",
                    )
                ],
            ),
            ("CPU", "percentunit", [("{{pod}}", f"rate(process_cpu_seconds_total{{{OF}}}[5m])")]),
            ("Memory", "bytes", [("{{pod}}", f"process_resident_memory_bytes{{{OF}}}")]),
            (
                "File descriptors in use",
                "percentunit",
                [("{{pod}}", f"process_open_fds{{{OF}}} / process_max_fds{{{OF}}}")],
            ),
        ],
    ),
]


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana's JSON."""
    return {
        "uid": "insights-results-aggregator",
        "title": "Insights Results Aggregator",
        "tags": ["insights-results-aggregator"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [_datasource(), _namespace()]},
        "panels": list(_panels()),
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}


def _namespace() -> dict[str, Any]:
    query = "label_values(consumed_messages, namespace)"
    return {
        "name": "namespace",
        "type": "query",
        "label": "Namespace",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "namespace"},
        "refresh": 2,
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for title, panels in ROWS:
        number += 1
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
        y += 1
        for at, panel in enumerate(panels):
            number += 1
            x = at * WIDTH % COLUMNS
            yield _panel(number, x, y + at * WIDTH // COLUMNS * HEIGHT, panel)
        y += -(-len(panels) * WIDTH // COLUMNS) * HEIGHT


def _panel(number: int, x: int, y: int, panel: Panel) -> dict[str, Any]:
    title, unit, queries = panel
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query, "legendFormat": text}
            for at, (text, query) in enumerate(queries)
        ],
    }


def text() -> str:
    """Return the dashboard's file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    (FOLDER / "aggregator.json").write_text(text(), encoding="utf-8")
