"""Status messages for the payload tracker: received, processed, success or error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson

from ..metrics import Metrics
from ..model import utc_now
from .batch import Outcome
from .kafka.producer import Outgoing, Sender

log = logging.getLogger(__name__)

# outcomes that are serialized between two yields to the event loop
SLICE = 50


class Tracker:
    """Sends the statuses of a batch to the payload tracker; without a topic it sends nothing."""

    def __init__(
        self, sender: Sender | None, topic: str, service_name: str, metrics: Metrics
    ) -> None:
        self._sender = sender if topic else None
        self._topic = topic
        self._service_name = service_name
        self._metrics = metrics
        self._turn = 0

    async def start(self) -> None:
        """Connect; raise Unavailable when no broker answers."""
        if self._sender is not None:
            await self._sender.start()

    async def stop(self) -> None:
        """Close the connection."""
        if self._sender is not None:
            await self._sender.stop()

    async def send(self, outcomes: Sequence[Outcome]) -> None:
        """Send the statuses of all messages in order; return when all are acknowledged."""
        if self._sender is None:
            return
        now = rfc3339(utc_now())
        messages: list[Outgoing] = []
        for number, outcome in enumerate(outcomes, start=1):
            messages.extend(self._of(outcome, now))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        if not messages:
            return
        self._turn += 1
        await self._sender.send(self._topic, messages, self._turn)
        self._metrics.produced_messages.inc(len(messages))

    def _of(self, outcome: Outcome, now: str) -> Iterator[Outgoing]:
        envelope = outcome.envelope
        if not envelope.request_id:
            log.debug("no request ID, no status is sent to the payload tracker")
            return
        fields = {
            "service": self._service_name,
            # lone surrogates are not valid JSON
            "request_id": envelope.request_id.encode(errors="replace").decode(),
            "status": "processed",
            "date": now,
        }
        if envelope.org is not None:
            fields["org_id"] = str(envelope.org)
        if envelope.account is not None:
            fields["account"] = str(envelope.account)
        if envelope.received:
            yield _message(fields | {"status": "received", "date": rfc3339(outcome.at)})
        yield _message(fields)
        yield _message(fields | {"status": "error" if outcome.invalid else "success"})


def _message(fields: dict[str, str]) -> Outgoing:
    return Outgoing(orjson.dumps(fields))


def rfc3339(at: datetime) -> str:
    """Return a UTC time as the tracker reads it: a fraction without trailing zeros, then Z."""
    text = at.isoformat()
    return (text.rstrip("0") if at.microsecond else text) + "Z"
