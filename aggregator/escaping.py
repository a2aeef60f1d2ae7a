"""Escapes control characters in untrusted text for terminals and one-line log records."""

from __future__ import annotations

import re

# control characters (C0, C1), line and paragraph separators, bidirectional marks, and surrogates,
# which cannot be encoded
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# JSON escapes those below U+0020
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return the text on one line, with control characters escaped."""
    return _UNSAFE.sub(_escape, text)


def printable_json(document: str) -> str:
    """Escape the control characters that JSON allows in a document; its value is unchanged."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if named := _NAMED.get(character):
        return named
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
