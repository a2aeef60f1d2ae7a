"""A dead letter whose headers others wrote: it is read, and sent again with the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher

from aggregator.ingest.dead_letter import DeadLetter, dead_letter
from aggregator.ingest.kafka.batch_builder import Batch
from aggregator.ingest.kafka.producer import Outgoing
from aggregator.ingest.kafka.record_batches import RecordBatches
from aggregator.ingest.kafka.records import PartitionRecords
from tests.ingest.doubles import record, refused

BAD_KEYS = (
    ("k\udcff\udcfe", b"v"),
    ("none", None),
    ("", b""),
    ("\u00fc", b"\xff"),
)


def sent(*messages: Outgoing) -> list[Outgoing]:
    """Return the messages as a consumer reads the batches that they are sent in."""
    batches = [Batch(100_000)]
    for one in messages:
        fields = {"timestamp": None, "key": one.key, "value": one.value}
        while batches[-1].append(headers=one.headers, **fields) is None:
            batches.append(Batch(100_000))
    found: list[Outgoing] = []
    for batch in batches:
        data = bytes(batch._build())
        records = PartitionRecords(
            TopicPartition("t", 0), RecordBatches(data), [], 0, None, None, True,
            fetcher.READ_UNCOMMITTED,
        )  # fmt: skip
        found += [Outgoing(one.value, one.key, one.headers) for one in records]
    return found


@pytest.mark.parametrize("bad", BAD_KEYS, ids=repr)
def test_any_header_is_sent_as_it_was_read(bad: tuple[str, bytes | None]) -> None:
    usual = Outgoing(b"1", b"k", (("a", b"b"), ("\u00fc", None)))
    unusual = Outgoing(b"2", None, (bad, bad))
    assert sent(usual, unusual, usual) == [usual, unusual, usual]


def test_a_letter_is_replayed_with_the_bytes_that_its_message_had() -> None:
    dead = dead_letter(refused(headers=BAD_KEYS, value=None, key=b"\xff"))
    (read,) = sent(dead)
    place = {"topic": "dead", "offset": 7}
    again = DeadLetter.read(
        record(read.value, key=read.key, headers=read.headers, **place)  # type: ignore[arg-type]
    ).message()
    (replayed,) = sent(again)
    assert replayed == Outgoing(None, b"\xff", (*BAD_KEYS, ("x-replayed-from", b"dead/0/7")))


@pytest.mark.parametrize("timestamp", [-1, 1_700_000_000_000_000, 2**63 - 1, -(2**63), None])
@pytest.mark.parametrize(
    "text", [None, b"", b"9" * 5000, b"-1", b"\xff", b"[/oops]", b"\x1b]52;c;x\x07"]
)
def test_a_letter_of_anybody_can_be_read(text: bytes | None, timestamp: int | None) -> None:
    names = (
        "x-original-topic", "x-original-partition", "x-original-offset", "x-original-timestamp",
        "x-error", "x-error-kind", "x-value-omitted", "x-headers-omitted", "k\udcff",
    )  # fmt: skip
    headers = tuple((name, text) for name in names)
    read = DeadLetter.read(record(headers=headers, timestamp=timestamp))
    assert (read.origin.partition, read.origin.offset) == (None, None)
    assert read.value_omitted
    assert datetime(1, 1, 1, tzinfo=UTC) < read.at < datetime(9999, 12, 31, 23, 59, 59, 1, UTC)
