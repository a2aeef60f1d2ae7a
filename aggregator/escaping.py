"""Escapes control characters in untrusted text for terminals and one-line log records."""

from __future__ import annotations

import re

# control characters of C0 and C1, line and paragraph separators, marks that reorder text, and
# surrogates, which cannot be encoded
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# JSON itself escapes those below the blank
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return text on one line that cannot control a terminal; what could is escaped."""
    return _UNSAFE.sub(_escape, text)


def printable_json(document: str) -> str:
    """Return a JSON document with what JSON allows but a terminal obeys escaped; same value."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if named := _NAMED.get(character):
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
