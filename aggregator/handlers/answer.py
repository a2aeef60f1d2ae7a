"""JSON answers in the reference's form: top-level keys sorted, `<>&` escaped, a line feed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import orjson

_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def escaped(document: bytes) -> bytes:
    """Escape what HTML or JavaScript could take for its own; in JSON it only occurs in texts."""
    for char, escape in _ESCAPES:
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


def parsed(text: str) -> Any:
    """Return stored JSON text as values, keys sorted at every level; raise ValueError."""
    return json.loads(text, object_pairs_hook=_sorted, parse_constant=_refuse)


def _sorted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(sorted(dict(pairs).items()))


def _refuse(name: str) -> Any:
    raise ValueError(name)
