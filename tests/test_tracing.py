"""Traces: of a request with its SQL statements, of a batch with its; exported to a collector."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.loading import load
from aggregator.config.options import Config, ServerConfig, StorageConfig, TracingConfig
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.errors import ConfigError, Unavailable
from aggregator.ingest.batch import Outcome
from aggregator.service import Service
from tests.collector import Collector, attributes, collecting
from tests.handlers.test_limits import ask

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")
    with collecting() as one:
        yield one


def named(collector: Collector, name: str) -> Any:
    (span,) = (one for one in collector.spans() if one.name == name)
    return span


async def configured(folder: Path, **tracing: Any) -> Config:
    section = StorageConfig(sqlite_datasource=str(folder / "traced.db"))
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    return dataclasses.replace(
        Config(),
        server=ServerConfig(address="127.0.0.1:0"),
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
        tracing=TracingConfig(**tracing),
    )


async def requested(config: Config, *paths: str, **headers: str) -> list[int]:
    """Return the statuses of requests to a service, which exports its traces when it stops."""
    service = Service(config)
    await service.start()
    try:
        return [(await ask(service.port, "GET", path, **headers)).status for path in paths]
    finally:
        await service.stop()


async def test_the_span_of_a_request_continues_the_trace_and_has_its_statements(
    tmp_path: Path, collector: Collector
) -> None:
    config = await configured(tmp_path, endpoint=collector.endpoint, service_name="api")
    path = "/api/v1/organizations/1/clusters"
    assert await requested(config, path, traceparent=TRACEPARENT) == [200]
    span = named(collector, "GET /api/v1/organizations/{organization}/clusters")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(span)["http.response.status_code"] == "200"
    statement = named(collector, "SELECT")
    assert (statement.trace_id, statement.parent_span_id) == (span.trace_id, span.span_id)
    assert attributes(statement)["db.system.name"] == "sqlite"
    assert "FROM report" in attributes(statement)["db.query.text"]
    assert collector.resources[0]["service.name"] == "api"


async def test_requests_at_the_same_time_have_traces_of_their_own(
    tmp_path: Path, collector: Collector
) -> None:
    config = await configured(tmp_path, endpoint=collector.endpoint)
    service = Service(config)
    await service.start()
    paths = [f"/api/v1/organizations/{number}/clusters" for number in range(1, 6)]
    await asyncio.gather(*(ask(service.port, "GET", path) for path in paths))
    await service.stop()
    requests = {one.span_id: one for one in collector.spans() if one.name.startswith("GET")}
    statements = [one for one in collector.spans() if one.name == "SELECT"]
    assert len({one.trace_id for one in requests.values()}) == 5
    assert {one.parent_span_id for one in statements} == set(requests)
    assert all(one.trace_id == requests[one.parent_span_id].trace_id for one in statements)


async def test_probes_and_metrics_are_not_traced(tmp_path: Path, collector: Collector) -> None:
    config = await configured(tmp_path, endpoint=collector.endpoint)
    assert await requested(config, "/livez", "/readyz", "/api/v1/metrics", "/x") == [
        200, 200, 200, 404,
    ]  # fmt: skip
    assert [one.name for one in collector.spans()] == ["GET"]


async def test_a_caller_that_does_not_sample_is_followed(
    tmp_path: Path, collector: Collector
) -> None:
    config = await configured(tmp_path, endpoint=collector.endpoint)
    assert await requested(config, "/api/v1/", traceparent=TRACEPARENT[:-1] + "0") == [200]
    assert not collector.spans()


async def test_a_collector_that_is_unavailable_delays_nothing(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")
    config = await configured(tmp_path, endpoint="http://127.0.0.1:9")
    async with asyncio.timeout(30):
        assert await requested(config, "/api/v1/") == [200]


class Record:
    def __init__(self, *traceparents: str) -> None:
        self.headers = [("traceparent", one.encode()) for one in traceparents]


def outcomes(*records: Record) -> list[Any]:
    class Decoded:
        def __init__(self, record: Record) -> None:
            self.record, self.seconds = record, 0.001

    return [Decoded(record) for record in records]


def test_a_batch_has_one_parent_or_links(collector: Collector) -> None:
    from aggregator.tracing import Tracing

    other = TRACEPARENT.replace("0af", "1af")
    tracing = Tracing(TracingConfig(endpoint=collector.endpoint))
    for records in (
        [Record(TRACEPARENT), Record(TRACEPARENT), Record()],
        [Record(TRACEPARENT), Record(other), Record("malformed")],
    ):
        traces = tracing.batches("ocp", "group")
        with traces.storing(outcomes(*records)):
            pass
        with traces.settling():
            pass
    tracing.close()
    one, several = (span for span in collector.spans() if span.name == "process ocp")
    assert one.trace_id.hex() == TRACE
    assert not one.links
    assert several.trace_id.hex() != TRACE
    assert [link.trace_id.hex() for link in several.links] == [TRACE, TRACE.replace("0af", "1af")]
    children = [span.name for span in collector.spans() if span.parent_span_id == one.span_id]
    assert children == ["store", "commit"]


def test_batches_end_in_the_order_in_which_they_were_stored(collector: Collector) -> None:
    from aggregator.tracing import Tracing

    tracing = Tracing(TracingConfig(endpoint=collector.endpoint))
    traces = tracing.batches("ocp", "group")
    for size in (1, 2, 3):
        with traces.storing(outcomes(*[Record()] * size)):
            pass
    with traces.settling():
        pass
    with pytest.raises(Unavailable), traces.settling():
        raise Unavailable("broker")
    traces.abandon()
    tracing.close()
    batches = [span for span in collector.spans() if span.name == "process ocp"]
    counts = [attributes(span)["messaging.batch.message_count"] for span in batches]
    assert counts == ["1", "2", "3"]
    assert [span.status.message for span in batches] == [
        "", "", "abandoned; Kafka redelivers it",
    ]  # fmt: skip


def test_nothing_of_opentelemetry_is_imported_without_an_endpoint() -> None:
    code = (
        "import sys; from aggregator.service import Service; "
        "from aggregator.config.options import Config; Service(Config()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("opentelemetry")]


def test_the_variables_of_opentelemetry_are_read_and_ours_override_them(tmp_path: Path) -> None:
    standard = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318", "OTEL_SERVICE_NAME": "b"}
    assert load(standard, tmp_path).tracing == TracingConfig("http://a:4318", "b")
    ours = {"INSIGHTS_RESULTS_AGGREGATOR__TRACING__ENDPOINT": "https://c/otlp"}
    assert load(standard | ours, tmp_path).tracing == TracingConfig("https://c/otlp", "b")
    with pytest.raises(ConfigError, match=r"tracing\.endpoint: http://host:port"):
        load({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, tmp_path)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aggregator.tracing", None)
    with pytest.raises(ConfigError, match="extra 'otel'"):
        Service(dataclasses.replace(Config(), tracing=TracingConfig("http://a:4318")))


def test_an_outcome_has_what_a_trace_of_it_needs() -> None:
    assert {"record", "seconds"} <= set(Outcome.__struct_fields__)
