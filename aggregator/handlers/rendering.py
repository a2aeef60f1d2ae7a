"""JSON answers in the reference's form: top-level keys sorted, `<>&` escaped, a line feed."""

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
    """Escape what HTML or JavaScript could take for its own; in JSON it only occurs in texts."""
    for char, escape in _ESCAPES if document.isascii() else _ESCAPES + _SEPARATORS:
        if char in document:
            document = document.replace(char, escape)
    return document


def render(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON document for an answer."""
    ordered = {name: payload[name] for name in sorted(payload)}
    return escaped(orjson.dumps(ordered)) + b"\n"


def embedded(text: str) -> Any:
    """Return stored JSON text for `render`, unparsed, so that numbers stay as written.

    Text that is not JSON is shown as base64 and empty text as "" (contract rest-api 3.2).
    """
    if is_json(text):
        return orjson.Fragment(text.encode())
    return base64.b64encode(text.encode()).decode() if text else ""


def is_json(text: str) -> bool:
    """Say whether the text is one JSON document, numbers of any size included."""
    try:
        orjson.loads(text)
    except ValueError:
        return _is_odd_json(text)
    return True


def _is_odd_json(text: str) -> bool:
    # the fast parser refuses lone surrogates, deep nesting and huge numbers, which Go takes
    try:
        return not syntax_error(text.encode(), whole=True)
    except UnicodeError:
        return False


def indented(text: str, depth: int) -> bytes:
    """Return stored JSON as `json.MarshalIndent` of Go shows it inside `depth` levels.

    Only blanks change, and what `escaped` escapes: order, names given twice, numbers and escapes
    stay as they are. Raise ValueError for what is no JSON.
    """
    raw = text.encode()
    try:
        document = msgspec.json.format(raw, indent=1)
    except (msgspec.MsgspecError, RecursionError):
        document = _indented_slowly(raw)
    # strings hold no line feed, so what follows one is indentation
    shown = _INDENTATION.sub(lambda found: b"\n" + b"\t" * (len(found[0]) - 1 + depth), document)
    return escaped(shown)


def _indented_slowly(document: bytes) -> bytes:
    """Indent what the fast library does not take: lone surrogates, deep nesting."""
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
