"""Renders JSON responses as Go does: top-level keys sorted, `<>&` escaped, a final line feed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from .json_syntax import syntax_error

_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
_SEPARATORS = (("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def escaped(document: bytes) -> bytes:
    """Escape `<>&`, U+2028 and U+2029, which occur only inside JSON strings."""
    for char, escape in _ESCAPES if document.isascii() else _ESCAPES + _SEPARATORS:
        if char in document:
            document = document.replace(char, escape)
    return document


def render(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON document of a response."""
    ordered = {name: payload[name] for name in sorted(payload)}
    return escaped(orjson.dumps(ordered)) + b"\n"


def embedded(text: str) -> Any:
    """Return stored JSON text for `render`, unparsed, so that numbers stay as written.

    Text that is not JSON is rendered as base64 and empty text as "" (contract rest-api 3.2).
    """
    if is_json(text):
        return orjson.Fragment(text.encode())
    return base64.b64encode(text.encode()).decode() if text else ""


def is_json(text: str) -> bool:
    """Return True if the text is one JSON document; numbers may have any size."""
    try:
        orjson.loads(text)
    except ValueError:
        return _is_odd_json(text)
    return True


def _is_odd_json(text: str) -> bool:
    # orjson rejects lone surrogates, deep nesting and huge numbers, which Go accepts
    try:
        return not syntax_error(text.encode(), whole=True)
    except UnicodeError:
        return False


def indented(text: str, depth: int) -> bytes:
    """Return stored JSON as Go's `json.MarshalIndent` writes it at nesting level `depth`.

    Only white space and the characters of `escaped` change: order, duplicate names, numbers and
    escapes stay. Raise ValueError for invalid JSON.
    """
    raw = text.encode()
    try:
        document = msgspec.json.format(raw, indent=1)
    except (msgspec.MsgspecError, RecursionError):
        document = _indented_slowly(raw)
    # JSON strings contain no line feed, so indentation follows each
    shown = _INDENTATION.sub(lambda found: b"\n" + b"\t" * (len(found[0]) - 1 + depth), document)
    return escaped(shown)


def _indented_slowly(document: bytes) -> bytes:
    """Indent JSON that orjson rejects: lone surrogates, deep nesting."""
    if error := syntax_error(document, whole=True):
        raise ValueError(error)
    level, parts, last = 0, [b""], b""
    for token in _TOKENS.findall(document):
        line = b"\n" + b" " * level
        if token in b"}]":
            level -= 1
            parts.append(token if last in (b"{", b"[") else line[:-1] + token)
        else:
            parts.append(line + token if last and last in b"{[," else token)
            level += token in b"{["
            if token == b":":
                parts.append(b" ")
        last = token
    return b"".join(parts)


_INDENTATION = re.compile(rb"\n *")
_TOKENS = re.compile(rb'[{}\[\],:]|"(?:[^"\\]++|\\.)*+"|[^{}\[\],:" \t\r\n]++')
