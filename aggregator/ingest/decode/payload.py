"""The bytes of a message, unpacked when they are gzip, with limits for what they may become."""

from __future__ import annotations

import re
import zlib

from ...errors import InvalidInput, TooLarge

GZIP = b"\x1f\x8b"

_AUTOMATIC_GZIP = 31
# the first piece of a member that is unpacked; each further one is twice as long
_FIRST_PIECE = 512

# what is decoded on the event loop; anything larger is decoded in a thread
LIGHT = 32 * 1024

# Memory of a parsed message: this factor of its text, plus these bytes for each value. The sum may
# be this multiple of `maximum_unpacked_size`.
_TEXTS = 8
_VALUE_BYTES = 400
_PARSED = 16
# `<` is stored as `\u003c`
_ESCAPED = b"<>&"
_ESCAPE_BYTES = 5
_SEPARATORS = b",[{"
# one that is not closed ends with the text: each quote in it would be tried as a beginning
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+["\\]?', re.DOTALL)
# strings that end, and what is between them
_WHOLE = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
# bytes that are searched at once
WINDOW = 256 * 1024
_FOUR_BYTES = re.compile(rb"[\xf0-\xff]")


class Plain(bytes):
    """A payload that is unpacked already."""


def light(value: bytes | None) -> bytes | None:
    """Return the payload unpacked if decoding it takes little time, else None."""
    value = value or b""
    if len(value) > LIGHT:
        return None
    if not value.startswith(GZIP):
        return value
    try:
        return Plain(unpacked(value, LIGHT))
    except TooLarge:
        return None
    except InvalidInput:
        return value


def unpacked(value: bytes, maximum: int) -> bytes:
    """Return the payload; several gzip members are joined.

    Raise InvalidInput for bad gzip, TooLarge when it has more than `maximum` bytes.
    """
    if not value.startswith(GZIP) or isinstance(value, Plain):
        if len(value) > maximum:
            raise TooLarge(f"the message has more than {maximum} bytes")
        return value
    parts: list[bytes] = []
    at, room = 0, maximum
    while at < len(value):
        at, room = _member(value, at, room, parts)
    return b"".join(parts)


def _member(value: bytes, at: int, room: int, parts: list[bytes]) -> tuple[int, int]:
    """Unpack the gzip member at this place; return the place behind it, and the room left.

    It is fed piece by piece: zlib copies what it does not use, which would be all other members.
    """
    unpacker = zlib.decompressobj(_AUTOMATIC_GZIP)
    size = _FIRST_PIECE
    while not unpacker.eof:
        if at >= len(value):
            raise InvalidInput("gzip: unexpected end of data")
        try:
            part = unpacker.decompress(value[at : at + size], room + 1)
        except zlib.error as error:
            raise InvalidInput(f"gzip: {error}") from error
        if len(part) > room:
            raise TooLarge("gzip: the unpacked message is too large")
        at, size = min(at + size, len(value)), 2 * size
        room -= len(part)
        if part:
            parts.append(part)
    return at - len(unpacker.unused_data), room


def check_size(raw: bytes, maximum: int) -> None:
    """Raise TooLarge when the message would take too much memory once it is parsed.

    It runs in a thread, and the event loop waits while a single search holds the GIL, so long
    texts are searched in windows.
    """
    if len(raw) <= LIGHT:
        return
    width = 1 if raw.isascii() else 4 if _has_four_bytes(raw) else 2
    escaped = sum(raw.count(char) for char in _ESCAPED)
    text = _TEXTS * width * (len(raw) + _ESCAPE_BYTES * escaped)
    most = _PARSED * maximum
    if text <= most and text + _VALUE_BYTES * _separators(raw) <= most:
        return
    # separators inside of strings are none
    if text + _VALUE_BYTES * _separators_outside(raw) > most:
        raise TooLarge(f"the parsed message would take more than {most} bytes")


def _separators(raw: bytes) -> int:
    """Return how many values there are in JSON text, or a few more."""
    return sum(raw.count(char) for char in _SEPARATORS)


def _separators_outside(raw: bytes) -> int:
    """Return how many separators are outside of strings."""
    found = at = 0
    while at < len(raw):
        window = _WHOLE.match(raw, at, at + WINDOW)
        end = window.end() if window else at
        if end == at:
            # a string that is longer than the window
            end = _string_end(raw, at)
        else:
            found += _separators(_STRING.sub(b"", raw[at:end]))
        at = end
    return found


def _string_end(raw: bytes, at: int) -> int:
    """Return where the string ends that begins here: behind the text if it is not closed."""
    at += 1
    while at < len(raw):
        inside = _INSIDE.match(raw, at, at + WINDOW)
        end = inside.end() if inside else at
        if raw[end : end + 1] == b'"':
            return end + 1
        if end == at:
            break
        at = end
    return len(raw)


def _has_four_bytes(raw: bytes) -> bool:
    """Return True if a character of the text takes four bytes."""
    starts = range(0, len(raw), WINDOW)
    return any(_FOUR_BYTES.search(raw, start, start + WINDOW) for start in starts)
