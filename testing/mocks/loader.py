"""Loads messages into a storage as ingest does: decodes and stores them in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice

from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoder, InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.model import (
    ConsumerErrorRow,
    DvoReport,
    Report,
    utc_now,
)
from aggregator.storage import ConsumerErrors, Dvo, Reports

from ..fixtures import GeneratedMessage

BATCH = 500
UNPACKED = 64 * 1024 * 1024
TOPIC = "testing.generate"


class Loader:
    """Stores valid messages, and a row of consumer_error for each invalid one."""

    def __init__(self, reports: Reports, dvo: Dvo, consumer_errors: ConsumerErrors) -> None:
        self._reports = reports
        self._dvo = dvo
        self._consumer_errors = consumer_errors
        self._decoders: dict[str, Decoder] = {
            "ocp": OcpDecoder(None, UNPACKED, "default"),
            "dvo": DvoDecoder(None, UNPACKED, "default"),
        }
        self._offsets = count()

    async def fill(self, messages: Iterable[GeneratedMessage]) -> None:
        """Store all messages; raise Unavailable."""
        for batch in _batches(messages):
            await self._store(batch)

    async def _store(self, batch: Iterable[GeneratedMessage]) -> None:
        """Store a batch: one transaction a kind of row."""
        reports: list[Report] = []
        workloads: list[DvoReport] = []
        invalid: list[ConsumerErrorRow] = []
        for made in batch:
            found = self._decoded(made)
            if isinstance(found, Report):
                reports.append(found)
            elif isinstance(found, DvoReport):
                workloads.append(found)
            elif isinstance(found, ConsumerErrorRow):
                invalid.append(found)
        if reports:
            await self._reports.store(reports)
        if workloads:
            await self._dvo.store(workloads)
        await self._consumer_errors.put(invalid)

    def _decoded(self, made: GeneratedMessage) -> Report | DvoReport | ConsumerErrorRow | None:
        """Return what the message is for storage, None when it is skipped as empty."""
        offset, now = next(self._offsets), utc_now()
        try:
            return self._decoders[made.kind].decode(made.value).report
        except InvalidMessage as error:
            topic = f"{TOPIC}.{made.kind}"
            return ConsumerErrorRow(topic, 0, offset, None, made.value, now, now, str(error))


def _batches(messages: Iterable[GeneratedMessage]) -> Iterator[list[GeneratedMessage]]:
    rest = iter(messages)
    while batch := list(islice(rest, BATCH)):
        yield batch
