"""What a fetch response may hold: every record of it is read, or becomes unreadable."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher

from aggregator.ingest.kafka import record_batches, record_format
from aggregator.ingest.kafka.record_batches import RecordBatches
from aggregator.ingest.kafka.records import PartitionRecords, UnreadableRecord, size_of
from tests.ingest.kafka import raw_batches
from tests.ingest.kafka.raw_batches import Raw, batch

PLACE = TopicPartition("results", 3)
GOOD = Raw(b"good", b"key", ((b"a", b"1"), (b"b", None), ("ü".encode(), b"")))
XERIAL = b"\x82SNAPPY\0" + b"\0\0\0\1" * 2
CODECS = (0, 1, 2, 3, 4)
BAD_KEY = Raw(b"value", b"key", ((b"k\xff\xfe", b"v"), (b"", None)))


def read(data: bytes, at: int = 0, isolation: int = fetcher.READ_UNCOMMITTED) -> list[Any]:
    """Return what a consumer gets of these bytes when it reads on as long as there is something."""
    taken: list[ConsumerRecord] = []
    seen: set[tuple[TopicPartition, int]] = set()
    while rest := behind(data, at):
        records = PartitionRecords(PLACE, RecordBatches(rest), [], at, None, None, True, isolation)
        records.seen = seen
        taken += records
        at = records.next_fetch_offset
    return taken


def behind(data: bytes, at: int) -> bytes:
    """Return the batches that a broker sends for an offset."""
    batches = RecordBatches(data)
    found = b""
    while batches.has_next():
        one = batches.next_batch()
        found += bytes(one.data) if one.next_offset > at else b""
    return found


def good_around(*bad: bytes) -> bytes:
    """Return a batch of one good record at 0, the bad ones, and a good record at 1000."""
    return batch(GOOD) + b"".join(bad) + batch(GOOD, base=1000)


def between(taken: list[ConsumerRecord]) -> list[ConsumerRecord]:
    """Return the records between the two good ones, which are there."""
    assert [taken[0].offset, taken[-1].offset] == [0, 1000]
    assert taken[0].value == taken[-1].value == b"good"
    assert not isinstance(taken[0], UnreadableRecord)
    return taken[1:-1]


@pytest.mark.parametrize("codec", CODECS)
def test_a_good_batch_is_read_as_aiokafka_reads_it(codec: int) -> None:
    data = batch(*[GOOD] * 3, base=5, codec=codec)
    theirs = fetcher.PartitionRecords(
        PLACE, fetcher.MemoryRecords(data), [], 0, None, None, True, fetcher.READ_UNCOMMITTED
    )
    assert read(data) == list(theirs)
    assert len(read(data)) == 3


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_key_that_is_not_utf8_keeps_its_bytes(codec: int) -> None:
    taken = between(read(good_around(batch(GOOD, BAD_KEY, GOOD, base=1, codec=codec))))
    assert [one.offset for one in taken] == [1, 2, 3]
    assert not any(isinstance(one, UnreadableRecord) for one in taken)
    (key, value), second = taken[1].headers
    assert (key.encode(errors="surrogateescape"), value) == (b"k\xff\xfe", b"v")
    assert second == ("", None)
    assert (taken[1].key, taken[1].value) == (b"key", b"value")


@pytest.mark.parametrize("timestamp", [-1, 0, 1_700_000_000_000_000, 2**63 - 1, -(2**63)])
def test_any_timestamp_is_read(timestamp: int) -> None:
    (one,) = between(read(good_around(batch(Raw(timestamp=timestamp), base=1))))
    assert one.timestamp == timestamp


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"k" * 2**20])
@pytest.mark.parametrize("value", [None, b"", b"\xff"])
def test_any_key_and_value_are_read(key: bytes | None, value: bytes | None) -> None:
    (one,) = between(read(good_around(batch(Raw(value, key), base=1))))
    assert (one.key, one.value) == (key, value)


def test_thousands_of_headers_are_read_and_more_are_counted_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_batches, "_LARGEST_AT_ONCE", 0)
    many = [Raw(headers=[(b"", b"")] * number) for number in (5000, record_format.MOST_HEADERS + 1)]
    first, second = between(read(good_around(batch(*many, base=1))))
    assert len(first.headers) == 5000
    assert isinstance(second, UnreadableRecord)
    assert (second.value, second.headers) == (b"{}", ())
    assert "10001 headers" in second.error


def test_a_header_of_a_mebibyte_is_read() -> None:
    headers = ((b"k" * 2**20, b"v" * 2**20),)
    (one,) = between(read(good_around(batch(Raw(headers=headers), base=1))))
    assert one.headers == (("k" * 2**20, b"v" * 2**20),)


def broken_records() -> Iterator[tuple[str, bytes]]:
    """Yield contents whose records are wrong in themselves, between two good ones."""
    before, after = (raw_batches.record(GOOD, at, raw_batches.NOW) for at in (0, 2))
    start = b"\0" + raw_batches.varint(0) + raw_batches.varint(1)
    wrong = {
        "a key longer than the record": start + raw_batches.varint(2**40) + b"x",
        "a value longer than the record": start + b"\1" + raw_batches.varint(99) + b"x",
        "a negative number of headers": start + b"\1\1" + raw_batches.varint(-1),
        "headers that are not there": start + b"\1\1" + raw_batches.varint(3),
        "a header without a key": start + b"\1\1" + raw_batches.varint(1) + b"\1\1",
        "bytes behind the headers": start + b"\1\1\0" + b"more",
        "a number without an end": b"\0" + b"\xff" * 12,
        "nothing": b"",
    }
    for name, record in wrong.items():
        yield name, before + raw_batches.sized(record) + after


@pytest.mark.parametrize("codec", [0, 4])
@pytest.mark.parametrize(("name", "content"), broken_records(), ids=lambda one: str(one)[:40])
def test_of_a_broken_record_the_others_are_read(name: str, content: bytes, codec: int) -> None:
    taken = between(read(good_around(batch(count=3, content=content, base=1, codec=codec))))
    assert [one.offset for one in taken] == [1, 2, 3]
    assert [isinstance(one, UnreadableRecord) for one in taken] == [False, True, False]
    assert taken[1].error.startswith("record: ")


def unreadable_batches() -> dict[str, bytes]:
    """Return batches of which nothing, or not all, can be read; the next offset is 4."""
    whole = batch(GOOD, GOOD, GOOD, base=1)
    checksum = bytearray(whole)
    checksum[17] ^= 1
    return {
        "a wrong checksum": bytes(checksum),
        "an unknown format": batch(GOOD, GOOD, GOOD, base=1, magic=3),
        "a format below zero": batch(GOOD, GOOD, GOOD, base=1, magic=-1),
        "an unknown codec": batch(count=3, content=b"x", base=1, attributes=7),
        "another codec": batch(GOOD, GOOD, GOOD, base=1, attributes=5),
        "gzip that is none": batch(count=3, content=b"x" * 99, base=1, attributes=1),
        "snappy that is none": batch(count=3, content=b"x" * 99, base=1, attributes=2),
        "snappy-java that is cut": batch(
            count=3,
            content=b"\x82SNAPPY\0" + b"\0\0\0\1" * 2 + b"\0\0\0\x63x",
            base=1,
            attributes=2,
        ),
        "snappy-java of negative size": batch(
            count=3, content=b"\x82SNAPPY\0" + b"\0\0\0\1" * 2 + b"\xff" * 40, base=1, attributes=2
        ),
        "lz4 that is none": batch(count=3, content=b"x" * 99, base=1, attributes=3),
        "zstd that is none": batch(count=3, content=b"x" * 99, base=1, attributes=4),
        "zstd that is cut": batch(
            count=3, content=raw_batches.packed(b"x" * 9999, 4)[:-9], base=1, attributes=4
        ),
        "no records": batch(count=3, content=b"", base=1),
        "a length beyond the batch": batch(count=3, content=raw_batches.varint(999), base=1),
        "a header that is cut": struct.pack(">qiib", 1, 20, 0, 2) + b"\0" * 15,
    }


@pytest.mark.parametrize("name", unreadable_batches())
def test_an_unreadable_batch_is_one_record_and_reading_continues(name: str) -> None:
    data = unreadable_batches()[name]
    (one,) = between(read(good_around(data)))
    assert isinstance(one, UnreadableRecord)
    assert one.value == data
    assert one.error.startswith("record batch, offsets 1 to ")
    assert one.offset == (1 if "header" in name else 3)


def test_a_wrong_checksum_is_read_again_first() -> None:
    data = bytearray(batch(GOOD))
    data[17] ^= 1
    records = PartitionRecords(
        PLACE, RecordBatches(bytes(data)), [], 0, None, None, True, fetcher.READ_UNCOMMITTED
    )
    records.seen = set()
    assert not list(records)
    assert records.next_fetch_offset == 0


def test_a_wrong_last_offset_does_not_skip_the_next_batch() -> None:
    data = bytearray(batch(GOOD, base=1))
    data[23:27] = b"\x7f\xff\xff\xff"
    (one,) = between(read(good_around(bytes(data))))
    assert isinstance(one, UnreadableRecord)
    assert one.offset == 999


@pytest.mark.parametrize("deltas", [(2**31 - 1, 0, 0), (-5, 2**40, 7), (0, 0, 0), (2, 1, 0)])
def test_offsets_outside_of_the_batch_are_counted_instead(deltas: tuple[int, ...]) -> None:
    records = [Raw(b"%d" % at, delta=delta) for at, delta in enumerate(deltas)]
    taken = between(read(good_around(batch(*records, base=1))))
    assert {one.value for one in taken} == {b"0", b"1", b"2"} or deltas == (2, 1, 0)
    assert all(1 <= one.offset <= 3 for one in taken)


@pytest.mark.parametrize("isolation", [fetcher.READ_UNCOMMITTED, fetcher.READ_COMMITTED])
def test_control_batches_are_passed_over(isolation: int) -> None:
    marker = batch(Raw(b"", b"\0\0\0\1"), base=1, attributes=0x30, producer=7)
    assert between(read(good_around(marker), isolation=isolation)) == []


def test_a_control_batch_without_records_does_not_stop_reading() -> None:
    marker = batch(count=0, content=b"", base=1, attributes=0x30, producer=7)
    taken = between(read(good_around(marker), isolation=fetcher.READ_COMMITTED))
    assert all(isinstance(one, UnreadableRecord) for one in taken)


@pytest.mark.parametrize("codec", CODECS[1:])
def test_a_batch_is_unpacked_up_to_a_limit_and_what_is_in_it_is_read(
    codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "LARGEST_BATCH", 25_000)
    data = batch(*[Raw(b"x" * 10_000)] * 5, base=1, codec=codec)
    taken = between(read(good_around(data)))
    # a block of snappy tells its size beforehand
    whole = [1, 2] if codec != 2 else []
    assert [one.offset for one in taken] == [*whole, 5]
    assert isinstance(taken[-1], UnreadableRecord)
    assert (taken[-1].kind, taken[-1].value) == ("too_large", data)


@pytest.mark.parametrize("size", range(0, 70))
def test_a_part_of_a_batch_at_the_end_is_left_for_the_next_fetch(size: int) -> None:
    data = batch(GOOD)
    (one,) = read(data + batch(GOOD, base=1)[:size])
    assert one.offset == 0


def test_headers_count_for_the_size_of_a_record() -> None:
    many, few = read(batch(Raw(headers=[(b"", b"")] * 1000), Raw()))
    assert size_of(many) > 100 * 1000 > size_of(few)


def test_without_the_extension_of_aiokafka_it_is_the_same() -> None:
    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    ran = subprocess.run(
        [*own, "-k", "not without_the_extension"],
        env={"AIOKAFKA_NO_EXTENSIONS": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
