"""Messages sent from the page of `dev`: their way to rows or to a dead letter, and replay."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregator.commands.dev import dev_config
from aggregator.config.options import Config
from aggregator.dashboard.tools import Tools
from aggregator.db.engine import connect
from aggregator.db.inspection import rows_of_cluster
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.service import Service
from testing.fixtures import shipped_messages
from testing.mocks.broker import Broker
from tests.dashboard.serving import Answer, listening, request

JSON = {"Content-Type": "application/json"}
HOSTILE = "</pre><script>alert(1)</script>"


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """Give the address of a broker."""
    with Broker() as broker:
        yield broker.address


@asynccontextmanager
async def dev(folder: Path, brokers: str) -> AsyncIterator[int]:
    """Serve as `dev` does, with topics and groups of its own; give the port."""
    name = uuid.uuid4().hex[:8]
    config = dev_config(Config(), folder, brokers, 0)
    config = replace(
        config,
        broker=replace(
            config.broker,
            group=name,
            topic=f"ocp-{name}",
            dvo_topic=f"dvo-{name}",
            dead_letter_queue_topic=f"dead-{name}",
            dead_letter_max_consecutive=0,
            dead_letter_max_ratio=0.0,
        ),
    )
    engine = connect(config.ocp_recommendations_storage)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    samples = {f"ocp/{key}": value for key, value in shipped_messages("ocp").items()}
    service = Service(config, tools=Tools(samples, partial(rows_of_cluster, engine)))
    try:
        await service.start()
        async with asyncio.timeout(60):
            while (await request(service.port, "/readyz")).status != 200:
                await asyncio.sleep(0.05)
        yield service.port
    finally:
        await service.stop()
        await engine.dispose()


async def post(port: int, path: str, document: Any, **headers: str) -> Answer:
    """Send JSON as the page does."""
    body = json.dumps(document).encode()
    return await request(port, path, method="POST", headers=JSON | headers, body=body)


async def way(port: int, place: dict[str, Any]) -> dict[str, Any]:
    """Return the way of a message, asking until it is handled."""
    query = "&".join(f"{name}={value}" for name, value in place.items())
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (
                await request(port, f"/dashboard/message?{query}", seconds=30)
            ).document
            if found["outcome"]:
                return found


def changed(name: str, **attributes: Any) -> str:
    """Return a sample message with other attributes."""
    message = json.loads(shipped_messages("ocp")[name])
    return json.dumps(message | attributes)


async def test_the_way_of_a_report_leads_to_its_rows(tmp_path: Path, brokers: str) -> None:
    async with dev(tmp_path, brokers) as port:
        found = (await request(port, "/dashboard/samples")).document
        assert {"name": "ocp/five_hits", "size": 11097} in found["samples"]
        assert list(found["kinds"]) == ["ocp", "dvo"]
        sample = await request(port, "/dashboard/sample?name=ocp/five_hits")
        value = sample.document["value"]
        assert (await request(port, "/dashboard/sample?name=../../setup.py")).status == 404
        sent = await post(port, "/dashboard/messages", {"kind": "ocp", "value": value})
        assert (sent.status, sent.document["offset"]) == (200, 0)
        first = await way(port, sent.document)
        assert first["outcome"]["state"] == "stored"
        assert first["value"] == value
        rows = {table: len(some) for table, some in first["rows"].items()}
        assert rows == {"report": 1, "rule_hit": 5, "recommendation": 5}
        assert first["dead_letter"] is None
        async with listening(port) as page:
            ingest = (await page.next("status"))["ingest"]
        assert [one["state"] for one in ingest["consumers"]] == ["consuming", "consuming"]
        assert (ingest["lag_known"], {one["lag"] for one in ingest["lag"]}) == (True, {0})
        assert sum(ingest["series"]["messages"]) == ingest["totals"]["consumed"] == 1
        assert ingest["totals"]["written"] == 1
        again = await post(port, "/dashboard/messages", {"kind": "ocp", "value": value})
        second = await way(port, again.document)
        assert second["outcome"]["state"] == "older"


async def test_an_invalid_message_leads_to_its_dead_letter_which_is_replayed(
    tmp_path: Path, brokers: str
) -> None:
    async with dev(tmp_path, brokers) as port:
        value = changed("one_hit", ClusterName=HOSTILE)
        sent = await post(port, "/dashboard/messages", {"kind": "ocp", "value": value})
        found = await way(port, sent.document)
        assert (found["outcome"]["state"], found["rows"]) == ("invalid", {})
        letter = found["dead_letter"]
        headers = dict(letter["headers"])
        assert headers["x-original-topic"] == found["topic"]
        assert headers["x-original-offset"] == str(found["offset"])
        assert headers["x-error"] == found["outcome"]["reason"]
        place = {"partition": letter["partition"], "offset": letter["offset"]}
        replayed = await post(port, "/dashboard/replay", place)
        assert replayed.status == 200
        other = await way(port, replayed.document)
        assert other["topic"] == found["topic"]
        assert other["value"] == value
        assert other["headers"][0][0] == "x-replayed-from"
        second = other["dead_letter"]
        assert (second["partition"], second["offset"]) != (letter["partition"], letter["offset"])


async def test_requests_that_cannot_be_served_say_why(tmp_path: Path, brokers: str) -> None:
    async with dev(tmp_path, brokers) as port:
        for document, text in (
            ({"kind": "x", "value": ""}, "kind: ocp or dvo expected, not 'x'"),
            ({"kind": "ocp"}, "body: texts `kind` and `value` expected"),
            ([], "body: an object expected"),
        ):
            answer = await post(port, "/dashboard/messages", document)
            assert (answer.status, answer.document) == (400, {"status": text})
        for query, status in (
            ("topic=ocp&partition=0&offset=0", 404),
            ("topic=ocp&partition=x&offset=0", 400),
            ("", 400),
        ):
            assert (await request(port, f"/dashboard/message?{query}")).status == status
        letter = await post(port, "/dashboard/replay", {"partition": 0, "offset": -1})
        assert letter.status == 400


async def test_a_page_of_another_site_cannot_send(tmp_path: Path, brokers: str) -> None:
    async with dev(tmp_path, brokers) as port:
        document = {"kind": "ocp", "value": "{}"}
        for headers in (
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            for path in ("/dashboard/messages", "/dashboard/replay"):
                assert (await post(port, path, document, **headers)).status == 403
        asked = await request(port, "/dashboard/messages", method="OPTIONS")
        assert "access-control-allow-origin" not in asked.headers
