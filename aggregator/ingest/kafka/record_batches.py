"""The record batches in the bytes that a broker sends for a partition.

aiokafka reads them as far as it can: it decodes header keys as UTF-8 and unpacks a batch as a
whole, whatever its size. The rest is read by `record_format`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from . import codecs, record_format

# what a batch may unpack to; producers limit theirs to about 1 MiB
LARGEST_BATCH = 24 * 1024 * 1024
# aiokafka parses batches up to this size: it has no limit for the headers of a record
_LARGEST_AT_ONCE = 1024 * 1024

_OVERHEAD = struct.Struct(">qi")
_MAGIC = 16
_HEADER = struct.Struct(">qiibIhiqqqhii")
_ATTRIBUTES = slice(21, 23)
_CODEC = 0x07


class BatchTooLarge(CorruptRecordException):  # type: ignore[misc]
    """A compressed batch exceeds LARGEST_BATCH when decompressed."""


class RecordBatches:
    """The batches in the bytes of a partition, in place of aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0
        self.current = Batch(self._data[:0], None)

    def size_in_bytes(self) -> int:
        """Return the size of all batches, and of the part of a batch behind them."""
        return len(self._data)

    def has_next(self) -> bool:
        """Return True if there is another whole batch."""
        return self._end() > 0

    def next_batch(self) -> Batch:
        """Return the next batch."""
        end = self._end()
        data, self._at = self._data[self._at : end], end
        following = _OVERHEAD.unpack_from(self._data, end)[0] if self.has_next() else None
        self.current = Batch(data, following)
        return self.current

    def _end(self) -> int:
        """Return where the next batch ends, 0 if there is none."""
        if len(self._data) - self._at < _OVERHEAD.size:
            return 0
        length = _OVERHEAD.unpack_from(self._data, self._at)[1]
        end = self._at + _OVERHEAD.size + int(length)
        # shorter than up to its magic byte: no batch, and the start of the next one is unknown
        return end if self._at + _MAGIC < end <= len(self._data) else 0


class Batch:
    """One batch; `following` is the offset at which the one behind it begins, if that is known."""

    def __init__(self, data: memoryview, following: int | None) -> None:
        self.data = data
        self._following = following
        self._records: Iterator[Any] | None = None
        self.checksum_wrong = False

    @cached_property
    def base_offset(self) -> int:
        """The offset of the first record."""
        return int(_OVERHEAD.unpack_from(self.data)[0])

    @cached_property
    def next_offset(self) -> int:
        """The offset behind the last record, regardless of the batch header."""
        base, following = self.base_offset, self._following
        last = 0
        if self.data[_MAGIC] >= 2 and len(self.data) >= _HEADER.size:
            last = _HEADER.unpack_from(self.data)[6]
        behind = base + max(0, last) + 1
        return behind if following is None else max(base + 1, min(behind, following))

    @cached_property
    def timestamp(self) -> int:
        """The latest time in the batch, -1 if it has none."""
        whole = len(self.data) >= _HEADER.size and self.data[_MAGIC] >= 2
        return int(_HEADER.unpack_from(self.data)[8]) if whole else -1

    @cached_property
    def _read(self) -> Any:
        """The batch as aiokafka reads it; raises CorruptRecordException."""
        magic = self.data[_MAGIC]
        if magic > 2:
            raise CorruptRecordException(f"magic byte {magic} is not known")
        if magic < 2:
            return LegacyRecordBatch(self.data, magic)
        if len(self.data) < _HEADER.size:
            raise CorruptRecordException("the batch is cut short")
        return DefaultRecordBatch(self.data)

    def __getattr__(self, name: str) -> Any:
        # is_control_batch, is_transactional and producer_id are the library's
        return getattr(self._read, name)

    def validate_crc(self) -> bool:
        """Return True if the checksum is right."""
        self.checksum_wrong = not self._read.validate_crc()
        return not self.checksum_wrong

    def __iter__(self) -> Iterator[Any]:
        return self._in_order(self._legacy() if self.data[_MAGIC] < 2 else self._current())

    def __next__(self) -> Any:
        self._records = self._records or iter(self)
        return next(self._records)

    def _in_order(self, records: Iterator[Any]) -> Iterator[Any]:
        """Yield the records; one whose offset cannot be right gets the one behind the last."""
        last, end = self.base_offset - 1, self.next_offset
        legacy = self.data[_MAGIC] < 2
        for record in records:
            if not legacy and not last < record.offset < end:
                record = record_format.at_offset(record, min(last + 1, end - 1))
            last = record.offset
            yield record

    def _legacy(self) -> Iterator[Any]:
        """Yield records of a format without headers; brokers convert those since version 3."""
        if len(self.data) > _MAGIC + 1 and self.data[_MAGIC + 1] & _CODEC:
            codecs.check_legacy(self.data, LARGEST_BATCH)
        yield from self._read

    def _current(self) -> Iterator[Any]:
        data, cut = self._unpacked()
        done = 0
        if len(data) <= _LARGEST_AT_ONCE and not cut:
            try:
                for record in DefaultRecordBatch(data):
                    yield record
                    done += 1
                return
            except (CorruptRecordException, ValueError):
                # with the extension a UnicodeDecodeError; what is wrong is found record by record
                pass
        try:
            yield from record_format.records(data, _HEADER.unpack_from(data), done)
        except CorruptRecordException as error:
            if cut:
                text = f"the batch unpacks to more than {LARGEST_BATCH} bytes"
                raise BatchTooLarge(text) from error
            raise

    def _unpacked(self) -> tuple[memoryview, bool]:
        """Return the batch uncompressed, and whether it is cut at LARGEST_BATCH."""
        codec = _HEADER.unpack_from(self.data)[5] & _CODEC
        if not codec:
            return self.data, False
        size = _HEADER.size
        buffer, end, cut = codecs.unpacked(codec, self.data[size:], LARGEST_BATCH, size)
        buffer[:size] = self.data[:size]
        attributes = int.from_bytes(buffer[_ATTRIBUTES]) & ~_CODEC
        buffer[_ATTRIBUTES] = attributes.to_bytes(2)
        return buffer[:end], cut
