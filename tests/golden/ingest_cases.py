"""The recorded groups of messages: sending them, and telling what became of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aggregator.db import tables as t
from aggregator.db.consumer_errors import SqlConsumerErrors
from aggregator.db.engine import Database
from aggregator.db.reports import SqlReports
from aggregator.db.workloads import SqlDvo
from aggregator.ingest.batch import Store
from aggregator.ingest.consumer import Consumer, Settings
from aggregator.ingest.dead_letter_queue import DeadLetterQueue
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoder
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.kafka.producer import Sender
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from testing.mocks.consumer_group import ConsumerGroup
from testing.mocks.producer import MemoryProducer

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, 12)
BETWEEN = timedelta(minutes=1)
ALLOWED = frozenset({11, 13})
MAXIMUM = 1 << 26
# the recording shows longer texts by their hash
LONG = 3000
TABLES = (t.report, t.rule_hit, t.recommendation, t.report_info, t.dvo_report, t.consumer_error)
CLOCKS = {"report": {"reported_at"}, "rule_hit": {"created_at"},
          "recommendation": {"created_at", "impacted_since"},
          "consumer_error": {"produced_at", "consumed_at"}}  # fmt: skip
DOCUMENTS = {"report": {"report"}, "rule_hit": {"template_data"}, "dvo_report": {"report"}}
OWN_ERRORS = ("missing required attribute", "cluster name is not a UUID",
              "improper report structure", "organization ID is not in allow list")  # fmt: skip
METRICS = ("consumed_messages", "consuming_errors", "messages_with_empty_rule_execution_result",
           "written_reports", "produced_messages", "successful_messages_processing_time_count",
           "failed_messages_processing_time_count",
           "last_checked_timestamp_lag_minutes_count")  # fmt: skip


def groups() -> list[dict[str, Any]]:
    """Return what was recorded, group by group."""
    return _lines("expected.jsonl")


def departing() -> dict[str, list[int]]:
    """Return group -> the departures by which we differ."""
    entries = tomllib.loads((HERE / "departing.toml").read_text())["ingest"]
    return {entry["group"]: entry["departure"] for entry in entries}


def messages() -> dict[str, list[dict[str, Any]]]:
    """Return the messages and controls of each group."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in _lines("messages.jsonl"):
        found[line["group"]].append(line)
    return found


def _lines(name: str) -> list[dict[str, Any]]:
    text = (HERE / "ingest" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def payload(line: dict[str, Any]) -> bytes | None:
    """Return the bytes of a message."""
    if "value_b64" in line:
        return base64.b64decode(line["value_b64"])
    if "generate" not in line:
        text = line["value"]
        return None if text is None else text.encode("utf-8", "surrogatepass")
    params = line["params"]
    document = params["template"]
    hits = document["Report"]["reports"]
    if line["generate"] == "pad_details":
        hits[0]["details"]["pad"] = "x" * params["bytes"]
    else:
        hits[:] = [
            {"component": f"lab_rules.many{n}.report", "key": f"KEY_{n}", "details": {}}
            for n in range(params["count"])
        ]
    return json.dumps(document).encode()


@dataclass
class Replay:
    """A consumer of one profile on a database; `store` takes reports in its place, if given."""

    profile: str
    database: Database
    store: Store | None = None
    group: ConsumerGroup = field(default_factory=ConsumerGroup)
    producer: MemoryProducer = field(
        default_factory=lambda: MemoryProducer(largest=MAXIMUM, batch_messages=1)
    )
    metrics: Metrics = field(default_factory=Metrics)
    controls: int = 0

    def _now(self) -> datetime:
        return START + self.controls * BETWEEN

    def _consumer(self) -> Consumer:
        told = "" if self.profile == "ocp_min" else "tracker"
        dead = "" if self.profile == "ocp_min" else "dead"
        rows = None if self.store else SqlConsumerErrors(self.database)
        sender = Sender(self.producer)
        decoder, store = self._role()
        return Consumer(
            self.group.member(),
            decoder,
            store,
            DeadLetterQueue(rows, sender, dead, self.metrics),
            Tracker(sender, told, "insights-results-aggregator", self.metrics),
            self.metrics,
            Settings("topic", batch_wait=0.01),
        )

    def _role(self) -> tuple[Decoder, Store]:
        allowed = ALLOWED if self.profile.endswith("_allow") else None
        if self.profile.startswith("dvo"):
            return DvoDecoder(allowed, MAXIMUM), SqlDvo(self.database).store
        decoder = OcpDecoder(allowed, MAXIMUM, into_cache=self.store is not None)
        return decoder, self.store or SqlReports(self.database, self._now).store

    async def run(self, lines: list[dict[str, Any]]) -> None:
        """Send the messages of a group and let them be consumed; obey its controls."""
        consumer = self._consumer()
        running = asyncio.ensure_future(consumer.run())
        for line in lines:
            if "control" not in line:
                key = None if line["key"] is None else line["key"].encode()
                headers = [(name, text.encode()) for name, text in line["headers"]]
                self.group.produce(payload(line), key=key, headers=headers)
                continue
            await self._consumed(running)
            self.controls += 1
            if line["control"] == "restart":
                consumer.stop()
                await running
                consumer = self._consumer()
                running = asyncio.ensure_future(consumer.run())
        await self._consumed(running)
        consumer.stop()
        await running

    async def _consumed(self, running: asyncio.Future[None]) -> None:
        async with asyncio.timeout(60):
            while self.group.lag() and not running.done():
                await asyncio.sleep(0.002)
        if running.done():
            running.result()

    async def told(self) -> dict[str, Any]:
        """Return what became of the messages, in the form of the recording."""
        counted = {
            name: int(float(value))
            for name, value in re.findall(r"^(\w+) (\S+)$", self.metrics.render().decode(), re.M)
            if name in METRICS and float(value)
        }
        return {
            "outcome": "consumed",
            "tables": await self._tables(),
            "metrics_delta": counted,
            "payload_tracker": [
                json.loads(sent.value or b"") | {"date": "<now>"}
                for sent in self.producer.sent["tracker"]
            ],
            "dead_letters": [
                {
                    "key": sent.key and sent.key.decode(),
                    "headers": [list(header) for header in sent.headers],
                    "value": _value(sent.value),
                }
                for sent in self.producer.sent["dead"]
            ],
        }

    async def _tables(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        async with self.database.engine.connect() as conn:
            for table in TABLES:
                rows = (await conn.execute(sa.select(table))).mappings().all()
                shown = [
                    {column: self._shown(table.name, column, row[column]) for column in row}
                    for row in rows
                ]
                if shown:
                    found[table.name] = sorted(shown, key=_order)
        return found

    def _shown(self, table: str, column: str, value: Any) -> Any:
        if value is None:
            return None
        if column in CLOCKS.get(table, ()):
            # rows of refused messages have the wall clock's times
            passed = self.controls if table == "consumer_error" else (value - START) // BETWEEN
            return f"<t{passed}>"
        if column in DOCUMENTS.get(table, ()):
            return _document(value)
        if isinstance(value, datetime):
            return value.isoformat()
        if (table, column) == ("consumer_error", "topic"):
            return "<topic>"
        if (table, column) == ("consumer_error", "message"):
            return _long(value)
        if (table, column) == ("consumer_error", "error") and not value.startswith(OWN_ERRORS):
            return "<implementation text>"
        return value


def without_hints(recorded: dict[str, Any]) -> dict[str, Any]:
    """Return what was recorded without the texts of the reference's libraries, rows in order."""
    rows = {
        table: sorted(({k: v for k, v in row.items() if k != "error_info"} for row in rows),
                      key=_order)
        for table, rows in recorded.get("tables", {}).items()
    }  # fmt: skip
    return recorded | {"tables": rows}


def _order(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _document(text: str) -> Any:
    value = json.loads(text)
    if isinstance(value, str):
        value = {"json_in_json_string": json.loads(value)}
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"))
    if len(shown) <= LONG:
        return {"json": value}
    digest = hashlib.sha256(shown.encode()).hexdigest()
    return {"json_sha256": digest, "canonical_len": len(shown)}


def _value(raw: bytes | None) -> Any:
    try:
        return None if raw is None else _long(raw.decode())
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw or b"").decode()}


def _long(text: str) -> Any:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= LONG:
        return text
    return {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
