"""Parses a stored DVO report into the recommendations of one namespace (contract rest-api 5)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import orjson

from ..model import Namespace, well_formed

_SUFFIX = ".recommendation"
_LIST = "workload_recommendations"


def recommendations(text: str, namespace: Namespace) -> Any:
    """Return the recommendations that hit the namespace; empty for invalid text."""
    try:
        return list(_recommendations(_document(text), namespace))
    except (ValueError, RecursionError):
        return []


def _parsed(text: str) -> Any:
    """Parse JSON as Go does into a map: every number is a float64."""
    return json.loads(text, parse_int=float, parse_float=float, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _details(item: dict[str, Any]) -> orjson.Fragment:
    """Return a recommendation's details, formatted as Go formats a map."""
    details = item.get("details")
    if details is not None and not isinstance(details, dict):
        raise ValueError("details: an object expected")
    return orjson.Fragment(_written(details).encode())


def _written(value: Any) -> str:
    """Return JSON as Go's encoding/json writes it, names sorted."""
    if isinstance(value, dict):
        named = sorted((well_formed(name), one) for name, one in value.items())
        return "{" + ",".join(f"{_quoted(name)}:{_written(one)}" for name, one in named) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return _quoted(value)


def _quoted(value: Any) -> str:
    return orjson.dumps(well_formed(value) if isinstance(value, str) else value).decode()


def _number(value: float) -> str:
    """Return a number as Go writes a float64; raise ValueError if it is none."""
    if not math.isfinite(value):
        raise ValueError("number out of range")
    if value and not 1e-6 <= abs(value) < 1e21:
        return repr(value).replace("e-0", "e-")
    whole = f"{Decimal(repr(value)):f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _document(text: str) -> dict[str, Any]:
    """Parse the report, or else one of the older, damaged forms."""
    for read in _FORMS:
        try:
            document = read(text)
            if isinstance(document, str):
                document = _parsed(document)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    return {}


def _unquoted(text: str) -> Any:
    """Parse an object whose quotes are escaped: the inside of a JSON string."""
    return _parsed(f'"{text}"')


def _stripped(text: str) -> Any:
    """Parse the text without its backslashes, as the Go service does."""
    return _parsed(text.replace("\\", ""))


_FORMS: tuple[Callable[[str], Any], ...] = (_parsed, _unquoted, _stripped)


def _recommendations(document: dict[str, Any], namespace: Namespace) -> Iterator[dict[str, Any]]:
    for item in _objects(document.get(_LIST)):
        component, key = _text(item, "component").removesuffix(_SUFFIX), _text(item, "key")
        objects = [
            {
                "kind": _text(one, "kind"),
                "uid": _text(one, "uid"),
                "display_name": _text(one, "name"),
            }
            for one in _objects(item.get("workloads"))
            if one.get("namespace_uid") == namespace
        ]
        if component and key and objects:
            yield {
                "check": f"{component}|{key}",
                "details": "",
                "resolution": "",
                "modified": "",
                "more_info": "",
                "extra_data": _details(item),
                "objects": objects,
            }


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return well_formed(value) if isinstance(value, str) else ""
