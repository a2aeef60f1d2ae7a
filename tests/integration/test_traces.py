"""One trace from Kafka over the batch to SQL, and one from HTTP to SQL, on real servers."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.collector import attributes, collecting
from tests.test_tracing import TRACE, TRACEPARENT

from .program import PREFIX, stop, until
from .test_main_job import message, scene

OTHER = TRACE.replace("0af", "1af")
SECONDS = 60.0


async def test_a_trace_leads_from_kafka_and_from_http_to_the_statements(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")
    with collecting() as collector:
        async with scene(tmp_path) as (service, _):
            process = await service.serve(TRACING__ENDPOINT=collector.endpoint, SERVER__WORKERS="1")
            producer = AIOKafkaProducer(bootstrap_servers=service.brokers)
            await producer.start()
            headers = [("traceparent", TRACEPARENT.encode())]
            await producer.send_and_wait(service.topic, message(1), headers=headers)
            await producer.stop()

            async def stored() -> bool:
                return bool((await service.get("organizations"))["organizations"])

            await until(stored, SECONDS)
            url = f"http://127.0.0.1:{service.port}{PREFIX}organizations/1001/clusters"
            given = {"traceparent": TRACEPARENT.replace(TRACE, OTHER)}
            asked = urllib.request.Request(url, headers=given)
            with await asyncio.to_thread(urllib.request.urlopen, asked, timeout=10) as answer:
                assert answer.status == 200
            assert await stop(process) == 0
        spans = collector.spans()
    of_batch = [one for one in spans if one.trace_id.hex() == TRACE]
    (batch,) = (one for one in of_batch if one.name == f"process {service.topic}")
    (store,) = (one for one in of_batch if one.name == "store")
    assert store.parent_span_id == batch.span_id
    statements = [one for one in of_batch if one.parent_span_id == store.span_id]
    texts = [attributes(one)["db.query.text"] for one in statements]
    assert any("INSERT INTO report" in text for text in texts)
    of_request = [one for one in spans if one.trace_id.hex() == OTHER]
    (request,) = (one for one in of_request if one.name.startswith("GET "))
    (select,) = (one for one in of_request if one.name == "SELECT")
    assert select.parent_span_id == request.span_id
    assert attributes(select)["db.system.name"] == "postgresql"
