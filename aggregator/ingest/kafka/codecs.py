"""Decompresses record batches into a buffer of limited size."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable

import cramjam
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4

_Unpacker = Callable[[bytes, memoryview], tuple[int, bool]]

# the header of snappy-java
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_FULL = "whole buffer"
_SIZE = struct.Struct(">i")
_LEGACY_HEADER = {0: 18, 1: 26}


def unpacked(
    codec: int, data: memoryview, most: int, offset: int = 0
) -> tuple[memoryview, int, bool]:
    """Return a buffer with the data unpacked from `offset` on, its end, and whether it is cut.

    At most `most` bytes are unpacked: only the pages of the buffer that are written take memory.
    Raise CorruptRecordException, UnsupportedCodecError.
    """
    unpack = _UNPACKERS.get(codec)
    if unpack is None:
        raise UnsupportedCodecError(f"codec {codec} is not known")
    buffer = memoryview(mmap.mmap(-1, offset + most))
    try:
        size, cut = unpack(bytes(data), buffer[offset:])
    except cramjam.DecompressionError as error:
        raise CorruptRecordException(f"{_NAMES[codec]}: {error}") from error
    return buffer, offset + size, cut


def check_legacy(data: memoryview, most: int) -> None:
    """Raise unless the compressed message of the formats 0 and 1 can be unpacked, up to `most`."""
    magic, codec = data[16], data[17] & 0x07
    at = _LEGACY_HEADER[magic]
    at += 4 + max(0, _SIZE.unpack_from(data, at)[0])
    length = max(0, _SIZE.unpack_from(data, at)[0])
    _, _, cut = unpacked(codec, data[at + 4 : at + 4 + length], most)
    if cut:
        raise CorruptRecordException(f"a message set unpacks to more than {most} bytes")


def _limited(unpack_into: Callable[[bytes, memoryview], int]) -> _Unpacker:
    """Return the function that fills the buffer and returns whether there is more."""

    def unpack(data: bytes, buffer: memoryview) -> tuple[int, bool]:
        try:
            return unpack_into(data, buffer), False
        except cramjam.DecompressionError as error:
            if _FULL in str(error):
                return len(buffer), True
            raise

    return unpack


def _snappy(data: bytes, buffer: memoryview) -> tuple[int, bool]:
    """Unpack one block, or those of snappy-java."""
    end = 0
    blocks = data.startswith(_XERIAL) and len(data) > _XERIAL_HEADER
    at = _XERIAL_HEADER if blocks else 0
    while at < len(data):
        length = len(data) - at
        if blocks:
            length = int.from_bytes(data[at : at + 4], signed=True)
            at += 4
        block = data[at : at + length]
        if length <= 0 or len(block) < length:
            raise CorruptRecordException(f"snappy: a block of {length} bytes")
        if cramjam.snappy.decompress_raw_len(block) > len(buffer) - end:
            return end, True
        end += cramjam.snappy.decompress_raw_into(block, buffer[end:])
        at += length
    return end, False


_NAMES = {GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}
_UNPACKERS: dict[int, _Unpacker] = {
    GZIP: _limited(cramjam.gzip.decompress_into),
    SNAPPY: _snappy,
    LZ4: _limited(cramjam.lz4.decompress_into),
    ZSTD: _limited(cramjam.zstd.decompress_into),
}
