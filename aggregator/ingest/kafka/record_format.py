"""Records of a batch of Kafka's format 2, read byte by byte: slowly, but whatever is in them.

Header keys that are not UTF-8 keep their bytes as lone surrogates (PEP 383).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import decode_varint_py

# more are not read: a record of 1 MiB may hold 300,000 of them
MOST_HEADERS = 10_000
_LOG_APPEND_TIME = 0x08
_RECORDS_AT = 61


class Record(NamedTuple):
    """A record, with the names of aiokafka's."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    checksum: int | None = None


class Damaged(NamedTuple):
    """A record that cannot be read completely; `error` is the reason."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    error: str


def records(data: memoryview, header: Sequence[int], skip: int) -> Iterator[Record | Damaged]:
    """Yield the records of an uncompressed batch behind the first `skip`.

    Raise CorruptRecordException where no further record can be found.
    """
    at, count, base = _RECORDS_AT, header[12], header[0]
    for number in range(count):
        try:
            length, start = decode_varint_py(data, at)
        except (IndexError, ValueError) as error:
            raise CorruptRecordException(f"record {number} has no length") from error
        at = start + length
        if length < 0 or at > len(data):
            raise CorruptRecordException(f"record {number} is cut short")
        if number >= skip:
            yield _record(data[start:at], header, base + number)


def at_offset(record: Any, offset: int) -> Record | Damaged:
    """Return the record with another offset."""
    if isinstance(record, Record | Damaged):
        return record._replace(offset=offset)
    return Record(
        offset,
        record.timestamp,
        record.timestamp_type,
        record.key,
        record.value,
        tuple(record.headers),
    )


def _record(data: memoryview, header: Sequence[int], offset: int) -> Record | Damaged:
    """Return the record in these bytes; `offset` is used if it has none."""
    cursor = _Cursor(data)
    found: dict[str, Any] = {"key": None, "value": None, "headers": ()}
    append_time = bool(header[5] & _LOG_APPEND_TIME)
    timestamp = header[8]
    try:
        cursor.take(1)
        since_first = cursor.varint()
        timestamp = timestamp if append_time else header[7] + since_first
        offset = header[0] + cursor.varint()
        found["key"] = cursor.sized()
        found["value"] = cursor.sized()
        found["headers"] = _headers(cursor)
        if cursor.left:
            raise ValueError(f"{cursor.left} bytes behind its end")
    except (IndexError, ValueError) as error:
        found["value"] = bytes(data) if found["value"] is None else found["value"]
        return Damaged(offset, timestamp, int(append_time), **found, error=str(error))
    return Record(offset, timestamp, int(append_time), **found)


def _headers(cursor: _Cursor) -> tuple[tuple[str, bytes | None], ...]:
    count = cursor.varint()
    if not 0 <= count <= MOST_HEADERS:
        raise ValueError(f"{count} headers; at most {MOST_HEADERS} are read")
    headers = []
    for _ in range(count):
        key = cursor.sized()
        if key is None:
            raise ValueError("a header without a key")
        headers.append((key.decode(errors="surrogateescape"), cursor.sized()))
    return tuple(headers)


class _Cursor:
    """A place in the bytes of a record."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are behind this place."""
        return len(self._data) - self._at

    def varint(self) -> int:
        """Return the number here; raise IndexError, ValueError."""
        number: int
        number, self._at = decode_varint_py(self._data, self._at)
        return number

    def sized(self) -> bytes | None:
        """Return the bytes here behind their length, None for a negative one."""
        length = self.varint()
        return None if length < 0 else self.take(length)

    def take(self, length: int) -> bytes:
        """Return this number of bytes; raise ValueError if there are fewer."""
        if not 0 <= length <= self.left:
            raise ValueError(f"a length of {length} where {self.left} bytes are left")
        taken = bytes(self._data[self._at : self._at + length])
        self._at += length
        return taken
