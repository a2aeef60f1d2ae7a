"""Record batches written byte by byte, as no well-behaved producer writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c, encode_varint

HEADER = struct.Struct(">qiibIhiqqqhii")
CRC, ATTRIBUTES = 17, 21
NOW = 1_740_823_200_123


class Raw(NamedTuple):
    """A record; `delta` is its offset in the batch, its place if None."""

    value: bytes | None = b"{}"
    key: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    timestamp: int = NOW
    delta: int | None = None


def varint(number: int) -> bytes:
    """Return a number as Kafka writes it."""
    written = bytearray()
    encode_varint(number, written.append)
    return bytes(written)


def sized(data: bytes | None) -> bytes:
    """Return the data behind its length."""
    return varint(-1) if data is None else varint(len(data)) + data


def record(raw: Raw, place: int, first: int) -> bytes:
    """Return one record."""
    headers = b"".join(sized(key) + sized(value) for key, value in raw.headers)
    delta = place if raw.delta is None else raw.delta
    body = b"\0" + varint(raw.timestamp - first) + varint(delta)
    body += sized(raw.key) + sized(raw.value) + varint(len(raw.headers)) + headers
    return sized(body)


def batch(*records: Raw, base: int = 0, codec: int = 0, **more: Any) -> bytes:
    """Return a batch with a right checksum; `content` is there instead of the records.

    `count`, `last`, `attributes` and `magic` stand instead of what is right.
    """
    first = records[0].timestamp if records else NOW
    content = more.get("content")
    if content is None:
        content = b"".join(record(raw, at, first) for at, raw in enumerate(records))
    content = packed(content, codec)
    count = more.get("count", len(records))
    last = more.get("last", max(0, count - 1))
    attributes = more.get("attributes", 0) | codec
    latest = max((raw.timestamp for raw in records), default=NOW)
    head = bytearray(
        HEADER.pack(
            base, HEADER.size - 12 + len(content), 0, more.get("magic", 2), 0, attributes, last,
            first, latest, more.get("producer", -1), -1, -1, count,
        )
    )  # fmt: skip
    struct.pack_into(">I", head, CRC, calc_crc32c(bytes(head[ATTRIBUTES:]) + content))
    return bytes(head) + content


def packed(content: bytes, codec: int) -> bytes:
    """Return the content as the codec of this number packs it."""
    return _PACKERS[codec](content)


_PACKERS: Sequence[Callable[[bytes], bytes]] = (
    bytes, gzip_encode, snappy_encode, lz4_encode, zstd_encode,
)  # fmt: skip
