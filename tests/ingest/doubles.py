"""Messages and outcomes for the tests of ingest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from aggregator.errors import RecordRejected
from aggregator.ingest.batch import Outcome
from aggregator.ingest.decode.message import Decoded, Envelope, InvalidMessage
from aggregator.model import ConsumerErrorRow

ENVELOPE = Envelope(1001, 42, "req-1", "cluster-1", 2, received=True)
AT = datetime(2025, 3, 1, 10, 0, 0, 120000)


def record(
    value: bytes | None = b"{}", *, offset: int = 0, partition: int = 0, **more: Any
) -> ConsumerRecord:
    fields = {
        "topic": "ccx.ocp.results",
        "partition": partition,
        "offset": offset,
        "timestamp": 1_740_823_200_123,
        "timestamp_type": 0,
        "key": None,
        "value": value,
        "checksum": None,
        "serialized_key_size": 0,
        "serialized_value_size": len(value or b""),
        "headers": (),
    }
    return ConsumerRecord(**(fields | more))


def kept(*, envelope: Envelope = ENVELOPE, offset: int = 0, partition: int = 0) -> Outcome:
    place = record(offset=offset, partition=partition)
    return Outcome(place, envelope, object(), AT, 0.001, stored=True)


def refused(error: str = "bad", kind: str = "json", **more: Any) -> Outcome:
    envelope = more.pop("envelope", Envelope())
    return Outcome(record(**more), envelope, None, AT, 0.001, error=error, kind=kind)


def good(cluster: str, number: int = 0, **more: Any) -> bytes:
    """Return a message that SimpleDecoder accepts."""
    return json.dumps({"cluster": cluster, "number": number, **more}).encode()


class Fields(dict[str, Any]):
    """A report that is what its message says."""

    @property
    def cluster(self) -> str:
        """Return what batches are divided by."""
        return str(self["cluster"])


class SimpleDecoder:
    """Accepts objects with a cluster; `empty` messages are skipped; the report is the object."""

    def decode(self, value: bytes | None) -> Decoded[Any]:
        try:
            fields = json.loads(value or b"")
        except ValueError as error:
            raise InvalidMessage("json", str(error), Envelope()) from error
        envelope = replace(ENVELOPE, request_id=fields.get("request", ""))
        if "cluster" not in fields:
            text = "missing required attribute 'ClusterName'"
            raise InvalidMessage("missing_attribute", text, replace(envelope, received=False))
        envelope = replace(envelope, cluster=fields["cluster"], last_checked=AT)
        return Decoded(envelope, None if fields.get("empty") else Fields(fields))


class MemoryReports:
    """Stores reports, newest number wins; fails as told."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.batches: list[int] = []
        self.errors: list[Exception] = []
        self.poison: set[str] = set()

    async def store(self, reports: Sequence[Any]) -> list[bool]:
        self.batches.append(len(reports))
        if self.errors:
            raise self.errors.pop(0)
        for report in reports:
            if report["cluster"] in self.poison:
                raise RecordRejected(f"the database refuses {report['cluster']}")
        return [self._put(report) for report in reports]

    def _put(self, report: Any) -> bool:
        cluster, number = report["cluster"], report["number"]
        if cluster in self.rows and self.rows[cluster] >= number:
            return False
        self.rows[cluster] = number
        return True


class MemoryRows:
    """Keeps refusals; fails as told."""

    def __init__(self) -> None:
        self.refusals: list[ConsumerErrorRow] = []
        self.error: Exception | None = None

    async def put(self, refusals: Sequence[ConsumerErrorRow]) -> None:
        if self.error:
            raise self.error
        self.refusals += refusals
