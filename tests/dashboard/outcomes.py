"""Outcomes of messages, as ingest reports them to the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

from aggregator.ingest.batch import Outcome
from aggregator.ingest.decode.message import Envelope


def outcome(offset: int = 0, *, org: int | None = 1, cluster: str = "c", **given: Any) -> Outcome:
    """Return the outcome of a message; `kind` and `error` make it invalid."""
    record: ConsumerRecord = ConsumerRecord(
        topic="ocp",
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=b"{}",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=2,
        headers=(),
    )
    envelope = Envelope(org=org, cluster=cluster)
    return Outcome(record, envelope, object(), datetime(2026, 1, 1), 0.001, **given)
