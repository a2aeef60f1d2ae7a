"""The stored report of a DVO message, read for one namespace (contract rest-api 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from ..model import Namespace
from . import answer

_SUFFIX = ".recommendation"
_LIST = "workload_recommendations"


def recommendations(text: str, namespace: Namespace) -> Any:
    """Return the recommendations that hit the namespace, for the answer; none for bad text."""
    try:
        found = list(_recommendations(_document(text), namespace))
        # numbers beyond 64 bits and lone surrogates would stop the fast renderer
        shown = json.dumps(found, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return []
    return orjson.Fragment(shown.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _document(text: str) -> dict[str, Any]:
    """Return the report: properly parsed if that is possible, else in older, damaged forms."""
    for read in _FORMS:
        try:
            document = read(text)
            if isinstance(document, str):
                document = answer.parsed(document)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    return {}


def _unquoted(text: str) -> Any:
    """Read an object whose quotes are escaped: the inside of a JSON string."""
    return answer.parsed(f'"{text}"')


def _stripped(text: str) -> Any:
    """Read the text as the reference does, at the cost of what backslashes mean."""
    return answer.parsed(text.replace("\\", ""))


_FORMS: tuple[Callable[[str], Any], ...] = (answer.parsed, _unquoted, _stripped)


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
                "extra_data": item.get("details"),
                "objects": objects,
            }


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""
