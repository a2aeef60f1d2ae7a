"""The bytes of a message, unpacked when they are gzip."""

from __future__ import annotations

import zlib

from ..errors import InvalidInput, TooLarge

GZIP = b"\x1f\x8b"

_AUTOMATIC_GZIP = 31


def unpacked(value: bytes, maximum: int) -> bytes:
    """Return the payload; several gzip members are joined.

    Raise InvalidInput for bad gzip, TooLarge when more than `maximum` bytes would come out.
    """
    if not value.startswith(GZIP):
        return value
    parts: list[bytes] = []
    room = maximum
    while value:
        part, value = _member(value, room)
        room -= len(part)
        parts.append(part)
    return b"".join(parts)


def _member(value: bytes, room: int) -> tuple[bytes, bytes]:
    """Return the first gzip member unpacked, and the bytes after it."""
    unpacker = zlib.decompressobj(_AUTOMATIC_GZIP)
    try:
        part = unpacker.decompress(value, room + 1)
    except zlib.error as error:
        raise InvalidInput(f"gzip: {error}") from error
    if len(part) > room:
        raise TooLarge("gzip: the unpacked message is too large")
    if not unpacker.eof:
        raise InvalidInput("gzip: unexpected end of data")
    return part, unpacker.unused_data
