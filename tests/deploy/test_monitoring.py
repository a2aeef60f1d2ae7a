"""Dashboards, alerts, their tests and the runbook agree with the metrics and with each other."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest

from aggregator.metrics import Metrics

from .manifests import DEPLOY, documents

RULES = documents(DEPLOY / "prometheus" / "alerts.yaml")[0]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]
}
RUNBOOK = DEPLOY.parent / "docs" / "runbook.md"
# metrics of Prometheus and of kube-state-metrics
FOREIGN = {"up", "kube_job_status_failed"}
# words of PromQL that no parenthesis follows
WORDS = {"by", "on", "and", "or", "unless", "ignoring", "without", "bool"}
# the queries of the Go service's two dashboards: names, and the labels by which they group
OF_THE_GO_SERVICE = {
    "api_endpoints_requests": {"endpoint"},
    "api_endpoints_response_time_sum": {"endpoint"},
    "api_endpoints_response_time_count": {"endpoint"},
    "api_endpoints_status_codes": {"status_code", "endpoint"},
    "feedback_on_rules": set(),
    "successful_messages_processing_time_sum": set(),
    "successful_messages_processing_time_count": set(),
    "consuming_errors": set(),
    "consumed_messages": set(),
    "written_reports": set(),
    "produced_messages": set(),
}


def served() -> dict[str, set[str]]:
    """Return the labels of each sample of a service that has done a bit of everything."""
    metrics = Metrics()
    metrics.request_started("/")
    metrics.request_finished("/", 200, 0.1)
    metrics.query_finished("SELECT 1", 0.1)
    metrics.refused_messages.labels("json").inc()
    metrics.consumer_lag.labels("topic", "0").set(1)
    metrics.paused.labels("topic").set(0)
    lines = re.findall(r"(?m)^(\w+)(\{.*\})? ", metrics.render().decode())
    return {name: set(re.findall(r'(\w+)="', labels)) for name, labels in lines}


SERVED = served()


def names(query: str) -> set[str]:
    """Return the names of metrics in a query."""
    text = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", query)
    text = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", text)
    found = re.findall(r"\b([a-z_]\w*)\b(?!\s*\()", text)
    return set(found) - WORDS


def queries(value: Any) -> Iterator[str]:
    """Yield the queries of a dashboard."""
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield value["expr"]
        for item in value.values():
            yield from queries(item)
    elif isinstance(value, list):
        for item in value:
            yield from queries(item)


def test_names_are_found_in_a_query() -> None:
    query = 'histogram_quantile(0.9, sum by (le) (rate(a_bucket{b="c"}[5m]))) > d and on (e) f == 0'
    assert names(query) == {"a_bucket", "d", "f"}


@pytest.mark.parametrize("name", OF_THE_GO_SERVICE)
def test_the_dashboards_of_the_go_service_find_their_metrics(name: str) -> None:
    assert OF_THE_GO_SERVICE[name] <= SERVED[name]


def test_the_dashboard_is_the_one_that_the_code_makes() -> None:
    code = runpy.run_path(str(DEPLOY / "grafana" / "dashboards.py"))
    file = DEPLOY / "grafana" / "dashboards" / "aggregator.json"
    assert file.read_text() == code["text"](), "run python deploy/grafana/dashboards.py"


def test_the_dashboard_shows_metrics_that_exist_and_all_of_ours() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "aggregator.json").read_text())
    found = {name for query in queries(dashboard) for name in names(query)}
    assert found <= set(SERVED) | FOREIGN
    ours = {re.sub("_(bucket|sum|count)$", "", name) for name in SERVED}
    python = {name for name in ours if name.startswith(("python_", "process_"))}
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in found}
    assert ours - python <= shown, "add it to deploy/grafana/dashboards.py"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_uses_metrics_that_exist(alert: str) -> None:
    found = names(ALERTS[alert]["expr"])
    assert found
    assert found <= set(SERVED) | FOREIGN


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_an_entry_in_the_runbook(alert: str) -> None:
    assert ALERTS[alert]["annotations"]["runbook"] == f"docs/runbook.md#{alert.lower()}"
    sections = dict(re.findall(r"(?ms)^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text()))
    assert "* " in sections[alert], "steps are missing"


def test_the_runbook_has_no_entry_of_another_alert() -> None:
    assert set(re.findall(r"(?m)^## (Aggregator\w+)$", RUNBOOK.read_text())) == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_rule_test_in_which_it_fires(alert: str) -> None:
    (rule_tests,) = documents(DEPLOY / "prometheus" / "alerts_test.yaml")
    outcomes = [
        bool(one["exp_alerts"])
        for test in rule_tests["tests"]
        for one in test["alert_rule_test"]
        if one["alertname"] == alert
    ]
    # silent first, then firing
    assert set(outcomes) == {False, True}


def test_the_prometheus_operator_gets_the_same_rules() -> None:
    (rule,) = documents(DEPLOY / "prometheus" / "prometheus-rule.yaml")
    assert rule["spec"] == RULES
