"""Records as a consumer takes them: nothing that they hold is an error.

aiokafka stops at a batch that it cannot read. Here that becomes an `UnreadableRecord`, and reading
continues behind it.
"""

from __future__ import annotations

from types import FunctionType, MethodType
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher

from .record_batches import BatchTooLarge, RecordBatches
from .record_format import Damaged

# the kinds of dead letters that are made of what cannot be read
CORRUPT, TOO_LARGE = "record", "too_large"


class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]
    """What cannot be read of a batch, as one record.

    The value is what is there instead of it: of a record its own, else the bytes of the whole
    batch; the offset is the last one of what cannot be read.
    """

    kind: str = CORRUPT
    error: str = ""


class Room:
    """How many bytes a consumer may still take before it returns what it has."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.left = size

    def renew(self) -> None:
        """Reset the state."""
        self.left = self._size


def size_of(record: ConsumerRecord) -> int:
    """Return about how many bytes a record takes in memory."""
    size = len(record.value or b"") + len(record.key or b"")
    if record.headers:
        size += sum(len(key) + len(value or b"") + _HEADER_BYTES for key, value in record.headers)
    return size


# a tuple, a string and bytes
_HEADER_BYTES = 140


def install(of: fetcher.Fetcher, room: Room) -> None:
    """Let this fetcher of aiokafka read batches as this module does.

    Its methods name the classes for that as globals of their module. They get copies of these
    methods, for which the names stand for the classes here; nothing else in the process changes.
    """
    own: dict[str, Any] = {
        "MemoryRecords": RecordBatches,
        "PartitionRecords": PartitionRecords,
        "FetchResult": type("FetchResult", (_FetchResult,), {"room": room, "seen": set()}),
    }
    methods = fetcher.Fetcher
    for method in (methods._proc_fetch_request, methods.fetched_records, methods.next_record):
        copy = FunctionType(
            method.__code__, vars(fetcher) | own, method.__name__, method.__defaults__
        )
        copy.__kwdefaults__ = method.__kwdefaults__
        setattr(of, method.__name__, MethodType(copy, of))


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of a partition; what cannot be read is an UnreadableRecord."""

    # batches whose checksum was wrong before: this may have happened on the way
    seen: set[tuple[TopicPartition, int]]
    next_fetch_offset: int

    def __next__(self) -> ConsumerRecord:
        try:
            return super().__next__()
        except (StopIteration, MemoryError):
            raise
        except Exception as error:  # libraries raise many types for malformed bytes
            return self._unreadable(error)

    def _unreadable(self, error: Exception) -> ConsumerRecord:
        """Return what is left of the batch as one record, and go on behind it."""
        batch = self._records.current
        behind = max(batch.next_offset, self.next_fetch_offset + 1)
        if batch.checksum_wrong:
            place = (self._tp, batch.base_offset)
            if place not in self.seen:
                # read it again before it is taken for wrong
                self.seen.add(place)
                raise StopIteration
            self.seen.discard(place)
        record = UnreadableRecord(
            self._tp.topic, self._tp.partition, behind - 1, batch.timestamp, 0, None,
            bytes(batch.data), None, -1, len(batch.data), (),
        )  # fmt: skip
        record.kind = TOO_LARGE if isinstance(error, BatchTooLarge) else CORRUPT
        first, last = self.next_fetch_offset, behind - 1
        record.error = f"record batch, offsets {first} to {last}: {_reason(error)}"
        self.next_fetch_offset = behind
        self._records_iterator = self._unpack_records()
        return record

    def _consumer_record(self, tp: TopicPartition, record: Any) -> ConsumerRecord:
        if not isinstance(record, Damaged):
            return super()._consumer_record(tp, record)
        unreadable = UnreadableRecord(
            tp.topic, tp.partition, record.offset, record.timestamp, record.timestamp_type,
            record.key, record.value, None, -1, -1, record.headers,
        )  # fmt: skip
        unreadable.error = f"record: {record.error}"
        return unreadable


class _FetchResult(fetcher.FetchResult):  # type: ignore[misc]
    """The records of a partition that wait; `room` is for all partitions of the consumer."""

    room: Room
    seen: set[tuple[TopicPartition, int]]
    _partition_records: PartitionRecords | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kwargs["partition_records"].seen = self.seen

    def getall(self, max_records: int | None = None) -> list[ConsumerRecord]:
        """Return records while there is room for them."""
        taken: list[ConsumerRecord] = []
        if self.room.left <= 0 or not self.check_assignment(self._topic_partition):
            return taken
        for record in self._partition_records or ():
            taken.append(record)
            self.room.left -= size_of(record)
            if self.room.left <= 0 or len(taken) == max_records:
                self._update_position()
                return taken
        if self._partition_records is not None:
            self._update_position()
            self._partition_records = None
        return taken


def _reason(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
