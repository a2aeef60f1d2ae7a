"""In-memory payload tracker: records the statuses of each message."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from aggregator.ingest.kafka.producer import Sender
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics

from .producer import MemoryProducer

TOPIC = "platform.payload-status"


@dataclass(frozen=True, slots=True)
class Status:
    """What was told of a message; `at` is UTC, numbers are text as in the topic, None if absent."""

    request_id: str
    status: str
    service: str
    at: datetime
    org_id: str | None
    account: str | None


class TrackerRecorder(MemoryProducer):
    """The producer of a tracker, with what it sent in the payload tracker's own words."""

    def tracker(self, service_name: str = "insights-results-aggregator") -> Tracker:
        """Return a tracker of ingest that tells this recorder."""
        return Tracker(Sender(self), TOPIC, service_name, Metrics())

    def statuses(self, topic: str = TOPIC) -> list[Status]:
        """Return everything told, in order."""
        return [_status(sent.value or b"") for sent in self.sent[topic]]

    def of(self, request_id: str, topic: str = TOPIC) -> list[str]:
        """Return what was told of one message: `received`, `processed`, `success` or `error`."""
        return [one.status for one in self.statuses(topic) if one.request_id == request_id]


def _status(text: bytes) -> Status:
    """Read a message of the tracker's topic; raise ValueError or KeyError if it is none."""
    told = json.loads(text)
    return Status(
        told["request_id"],
        told["status"],
        told["service"],
        datetime.fromisoformat(told["date"]),
        told.get("org_id"),
        told.get("account"),
    )
