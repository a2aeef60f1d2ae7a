"""Traces of requests and batches with OpenTelemetry; imported only if `tracing.endpoint` is set.

The instrumentations of OpenTelemetry replace methods of Tornado, aiokafka and asyncpg, and know no
batches; so the few spans are made here, with its API.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy.ext.asyncio import AsyncEngine

from . import build
from .config.options import TracingConfig

# what the collector may take for an answer, and all of the export at the end
EXPORT_SECONDS, FLUSH_SECONDS = 3, 1.0
# the limit of the SDK
MOST_LINKS = 128
_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """Makes spans and exports them over OTLP/HTTP in a thread of its own."""

    def __init__(self, options: TracingConfig) -> None:
        resource = Resource.create(
            {"service.name": options.service_name, "service.version": build.VERSION}
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(options.sample_ratio)),
            resource=resource,
            # at the end of the process it would wait for a collector that does not answer
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=options.endpoint.rstrip("/") + "/v1/traces", timeout=EXPORT_SECONDS
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("aggregator", build.VERSION)

    def close(self) -> None:
        """Export what is left; give up after a second."""
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)

    @contextmanager
    def request(self, method: str, route: str, headers: Mapping[str, str]) -> Iterator[None]:
        """Let tasks that are started in the block belong to the span of a request."""
        context = _PROPAGATOR.extract({"traceparent": headers.get("traceparent", "")})
        span = self._tracer.start_span(
            f"{method} {route}" if route else method,
            context,
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
        )
        with trace.use_span(span):
            yield

    @staticmethod
    def request_finished(status: int) -> None:
        """End the span of the request that the current task belongs to."""
        span = trace.get_current_span()
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def batches(self, topic: str, group: str) -> BatchTraces:
        """Return the traces of a consumer's batches."""
        return BatchTraces(self._tracer, topic, group)

    def statements(self) -> StatementTraces:
        """Return the observer of SQL statements."""
        return StatementTraces(self._tracer)


class BatchTraces:
    """The spans of the batches of a consumer, which are settled in the order they are stored in."""

    def __init__(self, tracer: trace.Tracer, topic: str, group: str) -> None:
        self._tracer = tracer
        self._name = f"process {topic}"
        self._attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": group,
        }
        self._open: deque[Span] = deque()

    @contextmanager
    def storing(self, outcomes: Sequence[Any]) -> Iterator[None]:
        """Begin the span of a batch, and store it in this block."""
        records = [outcome.record for outcome in outcomes]
        parents = _parents(records)
        # a batch has one parent at most; those of other messages are linked
        parent = next(iter(parents.values())) if len(parents) == 1 else None
        links = [Link(trace.get_current_span(one).get_span_context()) for one in parents.values()]
        decoding = sum(outcome.seconds for outcome in outcomes)
        batch = self._tracer.start_span(
            self._name,
            parent,
            SpanKind.CONSUMER,
            {**self._attributes, "messaging.batch.message_count": len(records)},
            [] if parent else links,
            start_time=time.time_ns() - int(decoding * 1e9),
        )
        self._open.append(batch)
        with self._child(batch, "store"):
            yield

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Send dead letters and statuses and commit in this block; then the batch ends."""
        batch = self._open.popleft()
        try:
            with self._child(batch, "commit"):
                yield
        finally:
            batch.end()

    def abandon(self) -> None:
        """End the spans of batches that are not settled."""
        while self._open:
            batch = self._open.popleft()
            batch.set_status(StatusCode.ERROR, "abandoned; Kafka redelivers it")
            batch.end()

    @contextmanager
    def _child(self, batch: Span, name: str) -> Iterator[None]:
        context = trace.set_span_in_context(batch)
        with self._tracer.start_as_current_span(name, context):
            yield


def _parents(records: Sequence[Any]) -> dict[str, Any]:
    """Return the distinct contexts in the headers `traceparent` of messages."""
    found: dict[str, Any] = {}
    for record in records:
        for name, value in record.headers:
            text = bytes(value or b"").decode(errors="replace") if name == "traceparent" else ""
            if not text or text in found or len(found) == MOST_LINKS:
                continue
            context = _PROPAGATOR.extract({"traceparent": text})
            if trace.get_current_span(context).get_span_context().is_valid:
                found[text] = context
    return found


class StatementTraces:
    """The spans of SQL statements that run within a trace."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def observed(self, text: str) -> Iterator[None]:
        """Trace the statement executed in this block."""
        with trace.use_span(self._begun(text, "postgresql"), end_on_exit=True):
            yield

    def watch(self, engine: AsyncEngine) -> None:
        """Trace all statements of the engine."""
        system = "postgresql" if engine.dialect.name == "postgresql" else "sqlite"

        @sa.event.listens_for(engine.sync_engine, "before_cursor_execute")
        def before(_conn: Any, _cursor: Any, text: str, _given: Any, context: Any, _: Any) -> None:
            context.span = self._begun(text, system)

        @sa.event.listens_for(engine.sync_engine, "after_cursor_execute")
        def after(_conn: Any, _cursor: Any, _text: str, _given: Any, context: Any, _: Any) -> None:
            context.span.end()

        @sa.event.listens_for(engine.sync_engine, "handle_error")
        def failed(context: sa.engine.ExceptionContext) -> None:
            span = getattr(context.execution_context, "span", None)
            if span is not None:
                span.record_exception(context.original_exception)
                span.set_status(StatusCode.ERROR)
                span.end()

    def _begun(self, text: str, system: str) -> Span:
        # statements of health checks and of the start belong to no trace
        if not trace.get_current_span().get_span_context().is_valid:
            return trace.INVALID_SPAN
        verb = text.split(maxsplit=1)[0]
        attributes = {"db.system.name": system, "db.query.text": text}
        return self._tracer.start_span(verb, kind=SpanKind.CLIENT, attributes=attributes)
