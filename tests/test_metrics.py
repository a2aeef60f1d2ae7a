"""The metrics page: names, types and values as the reference's dashboards expect them."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from aggregator.metrics import (
    CONTENT_TYPE,
    Metrics,
    Snapshot,
    cumulative,
    merged,
)

COUNTERS = {
    "consumed_messages",
    "consuming_errors",
    "messages_with_empty_rule_execution_result",
    "produced_messages",
    "written_reports",
    "feedback_on_rules",
    "rating_on_rules",
    "sql_queries_counter",
}
HISTOGRAMS = {
    "successful_messages_processing_time",
    "failed_messages_processing_time",
    "last_checked_timestamp_lag_minutes",
}


def lines(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_counters_have_the_names_of_the_reference_and_begin_at_zero() -> None:
    page = lines(Metrics())
    for name in COUNTERS:
        assert f"{name} 0.0" in page
        assert f"# TYPE {name} counter" in page


def test_histograms_have_the_names_of_the_reference() -> None:
    page = lines(Metrics())
    for name in HISTOGRAMS:
        assert f"{name}_count 0.0" in page
        assert f"{name}_sum 0.0" in page
        assert f'{name}_bucket{{le="+Inf"}} 0.0' in page
        assert f"# TYPE {name} histogram" in page


def test_no_name_of_ours_ends_in_total_or_created() -> None:
    names = {line.split("{")[0].split(" ")[0] for line in lines(Metrics()) if line[0] != "#"}
    assert not {name for name in names if name.endswith("_created")}
    totals = {name for name in names if name.endswith("_total")}
    assert {name.split("_")[0] for name in totals} <= {"process", "python"}


def test_the_namespace_prefixes_every_name_of_ours() -> None:
    metrics = Metrics("aggregator")
    metrics.request_started("/api/v1/info")
    metrics.rating_on_rules.inc()
    page = lines(metrics)
    assert "aggregator_rating_on_rules 1.0" in page
    assert 'aggregator_api_endpoints_requests{endpoint="/api/v1/info"} 1.0' in page
    ours = {line.split(" ")[2] for line in page if line.startswith("# TYPE")}
    assert all(re.match(r"aggregator_|process_|python_", name) for name in ours)


def test_a_request_is_counted_with_its_status_and_its_time() -> None:
    metrics = Metrics()
    metrics.request_started("/info")
    metrics.request_finished("/info", 404, 0.003)
    page = lines(metrics)
    assert 'api_endpoints_requests{endpoint="/info"} 1.0' in page
    assert 'api_endpoints_status_codes{status_code="404",endpoint="/info"} 1.0' in page
    assert 'api_endpoints_response_time_bucket{endpoint="/info",le="0.0025"} 0.0' in page
    assert 'api_endpoints_response_time_bucket{endpoint="/info",le="0.005"} 1.0' in page


def test_a_statement_is_counted_by_its_text() -> None:
    metrics = Metrics()
    metrics.query_started()
    metrics.query_finished("SELECT 1", 0.2)
    page = lines(metrics)
    assert "sql_queries_counter 1.0" in page
    assert 'sql_queries_durations_count{query="SELECT 1"} 1.0' in page


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics.refused_messages.labels('a "b"\\\n').inc()
    assert 'refused_messages{kind="a \\"b\\"\\\\\\n"} 1.0' in lines(metrics)


def test_the_page_can_be_parsed_and_holds_the_process() -> None:
    families = {
        family.name for family in text_string_to_metric_families(Metrics().render().decode())
    }
    assert {"process_resident_memory_bytes", "python_info", "batch_size", "paused"} <= families


def test_two_sets_of_metrics_do_not_know_each_other() -> None:
    first, second = Metrics(), Metrics()
    first.written_reports.inc()
    assert "written_reports 0.0" in lines(second)


def test_sums_do_not_decrease_by_rounding_when_they_are_added_in_another_order() -> None:
    metrics = Metrics()
    parts = [0.1, 0.2, 0.3]
    others = [Metrics() for _ in parts]
    for other, seconds in zip(others, parts, strict=True):
        other.request_finished("/a", 200, seconds)
    first, second, third = (other.snapshot() for other in others)

    def total(snapshots: list[Snapshot]) -> float:
        page = metrics.render(snapshots).decode()
        found = re.search(r'api_endpoints_response_time_sum{endpoint="/a"} (.*)', page)
        assert found
        return float(found[1])

    assert (0.1 + 0.2) + 0.3 > 0.1 + (0.2 + 0.3)
    before = total([first, second, third])
    assert total([first, merged([second, third])]) == before


def test_gauges_of_an_ended_process_are_not_kept() -> None:
    metrics = Metrics()
    metrics.paused.labels("topic").set(1)
    metrics.written_reports.inc()
    kept = {family[0] for family in cumulative(metrics.snapshot())}
    assert "written_reports" in kept
    assert "batch_size" in kept
    assert not kept & {"paused", "process_resident_memory_bytes", "process_start_time_seconds"}


def test_the_content_type_is_that_of_the_reference() -> None:
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
