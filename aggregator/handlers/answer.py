"""JSON answers in the reference's form: top-level keys sorted, `<>&` escaped, a line feed."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

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
    # the fast parser refuses lone surrogates and deep nesting, which the contract takes
    try:
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
        text.encode()
    except (ValueError, RecursionError):
        return False
    return True


def rewritten(text: str) -> msgspec.Raw:
    """Return stored JSON with keys sorted at every level, as `indented` takes it.

    Raise ValueError for what is no JSON, RecursionError for what is nested too deep.
    """
    try:
        return msgspec.Raw(_sorted(_values(text)))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        # lone surrogates, for example
        compact = json.dumps(parsed(text), ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.Raw(msgspec.json.format(compact, indent=-1))


def indented(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON document indented with TABs, in the order given, without a line feed."""
    document = msgspec.json.format(msgspec.json.encode(payload), indent=1)
    tabs = b"\n"
    # strings hold no line feed, so what follows one is indentation
    while tabs + b" " in document:
        document = document.replace(tabs + b" ", tabs + b"\t")
        tabs += b"\t"
    return escaped(document)


def _number(text: str) -> msgspec.Raw:
    """Return a number with a fraction, or beyond 64 bits, in Python's spelling."""
    value = json.loads(text)
    if value in (math.inf, -math.inf):
        raise ValueError(text)
    return msgspec.Raw(json.dumps(value).encode())


_values = msgspec.json.Decoder(float_hook=_number).decode
_sorted = msgspec.json.Encoder(order="sorted").encode


def parsed(text: str) -> Any:
    """Return stored JSON text as values, keys sorted at every level; raise ValueError."""
    return json.loads(text, object_pairs_hook=_ordered, parse_constant=_refuse)


def _ordered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(sorted(dict(pairs).items()))


def _refuse(name: str) -> Any:
    raise ValueError(name)
