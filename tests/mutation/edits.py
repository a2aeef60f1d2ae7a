"""Edits of an answer: its document, its status, its headers."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .middleware import Answer

Change = Callable[[Answer], Answer]
Edit = Callable[[Any, Any], None]
Where = Callable[[Answer], bool]

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")


def status_is(*statuses: int) -> Where:
    """Say whether an answer has one of these statuses."""
    return lambda answer: answer.status in statuses


def status(number: int) -> Change:
    """Answer with another status and the same body."""
    return lambda answer: replace(answer, status=number)


def refusal(number: int, text: str) -> Change:
    """Answer with an error instead."""
    return lambda answer: replace(answer, status=number).with_json({"status": text})


def header(name: str, value: str | None) -> Change:
    """Answer with another header, or without it."""
    return lambda answer: answer.with_header(name, value)


def body(transform: Callable[[bytes], bytes]) -> Change:
    """Answer with other bytes."""
    return lambda answer: replace(answer, body=transform(answer.body))


def text(document: str) -> Change:
    """Answer an error with another text."""
    return lambda answer: answer.with_json({**_object(answer.json), "status": document})


def _object(document: Any) -> dict[str, Any]:
    return document if isinstance(document, dict) else {}


def at(path: str, edit: Edit) -> Change:
    """Edit the document of a 200 at a path as `report.reports.0.key`; `*` is each member."""

    def change(answer: Answer) -> Answer:
        document = answer.json
        if answer.status != 200 or document is None:
            return answer
        edited = copy.deepcopy(document)
        for parent, key in list(_places(edited, path.split("."))):
            edit(parent, key)
        same = json.dumps(edited) == json.dumps(document)
        return answer if same else answer.with_json(edited)

    return change


def _places(document: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Yield parent and key of every member that the path means."""
    for key in _keys(document, path[0]):
        if len(path) == 1:
            yield document, key
        else:
            yield from _places(document[key], path[1:])


def _keys(document: Any, name: str) -> list[Any]:
    if isinstance(document, dict):
        return list(document) if name == "*" else [name] * (name in document)
    if isinstance(document, list):
        if name == "*":
            return list(range(len(document)))
        if name.lstrip("-").isdigit() and -len(document) <= int(name) < len(document):
            return [int(name)]
    return []


def drop(parent: Any, key: Any) -> None:
    """Take the member away."""
    del parent[key]


def renamed(name: str) -> Edit:
    """Give the member another name."""

    def edit(parent: Any, key: Any) -> None:
        parent[name] = parent.pop(key)

    return edit


def added(name: str, value: object) -> Edit:
    """Put a member beside."""

    def edit(parent: Any, key: Any) -> None:
        parent[name] = value

    return edit


def value(new: object) -> Edit:
    """Put another value there."""

    def edit(parent: Any, key: Any) -> None:
        parent[key] = copy.deepcopy(new)

    return edit


def mapped(function: Callable[[Any], Any]) -> Edit:
    """Put there what the function makes of the value."""

    def edit(parent: Any, key: Any) -> None:
        parent[key] = function(parent[key])

    return edit


def other(old: Any) -> Any:
    """Return another plausible value of the same type."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return old + 1 if old >= 0 else 0
    if isinstance(old, str):
        return _other_text(old)
    if isinstance(old, list):
        return old[:-1] if old else [None]
    if isinstance(old, dict):
        return dict(list(old.items())[:-1]) if old else {"x": 1}
    return 0 if old is None else old


def _other_text(old: str) -> str:
    if _TIME.fullmatch(old):
        return str(moved(hours=1)(old))
    if re.fullmatch(r"[0-9a-f-]{36}", old):
        return str(uuid.uuid5(uuid.NAMESPACE_URL, old))
    return old + "x" if "|" not in old else old.replace("|", "_X|", 1)


def mistyped(old: Any) -> Any:
    """Return the value as another type of JSON."""
    if isinstance(old, bool):
        return str(old).lower()
    if isinstance(old, int):
        return str(old)
    if isinstance(old, str):
        return [old]
    if isinstance(old, list):
        return dict(enumerate(old))
    return [old]


def moved(**delta: float) -> Callable[[Any], Any]:
    """Return a function that moves a time."""

    def function(old: Any) -> Any:
        match = _TIME.fullmatch(old) if isinstance(old, str) else None
        if not match or old.startswith("0001"):
            return old
        moment = datetime.fromisoformat(match[1]) + timedelta(**delta)
        return moment.isoformat() + (match[2] or "") + "Z"

    return function


def without_first(rows: Any) -> Any:
    """Lose the first row."""
    return rows[1:] if isinstance(rows, list) else dict(list(rows.items())[1:]) if rows else rows


def without_last(rows: Any) -> Any:
    """Lose the last row."""
    return rows[:-1] if isinstance(rows, list) else dict(list(rows.items())[:-1]) if rows else rows


def cut(most: int) -> Callable[[Any], Any]:
    """Return a function that cuts lists to a maximum number of rows."""
    return lambda rows: rows[:most]


def exchanged(name: str = "") -> Callable[[Any], Any]:
    """Return a function that gives the first two rows, or members, each other's value.

    It is the value of the member `name` in each of them, the whole of them when that is empty.
    """

    def exchange(rows: Any) -> Any:
        keys = list(rows) if isinstance(rows, dict) else list(range(len(rows or ())))
        if len(keys) < 2:
            return rows
        one, two = keys[:2]
        if not name:
            rows[one], rows[two] = rows[two], rows[one]
        else:
            rows[one][name], rows[two][name] = rows[two][name], rows[one][name]
        return rows

    return exchange


def copied(name: str, other: str) -> Callable[[Any], Any]:
    """Return a function that puts the value of another member of a row there."""
    return lambda row: {**row, name: row[other]}


def of_16_bits(text: str) -> str:
    """Lose the letters that need more."""
    return re.sub(r"[^\u0000-\uffff]", "?", text)


def standing(name: str) -> Change:
    """Show the same value of a metric for ever."""
    pattern = re.compile(rb"(?m)^(\w*%b.*) \S+$" % name.encode())
    return body(lambda text: pattern.sub(rb"\1 7", text))


def doubled(rows: Any) -> Any:
    """Show the first row twice."""
    return rows[:1] + rows if isinstance(rows, list) else rows


def turned(rows: Any) -> Any:
    """Turn the order around."""
    return rows[::-1] if isinstance(rows, list) else dict(reversed(rows.items())) if rows else rows


def strange(rows: Any) -> Any:
    """Add a row like the first one, with every name in it changed: somebody else's."""
    if isinstance(rows, dict) and rows:
        key, row = next(iter(rows.items()))
        return {**rows, str(other(key)): row}
    if isinstance(rows, list) and rows:
        first = rows[0]
        row = {k: _strange(k, v) for k, v in first.items()} if isinstance(first, dict) else first
        return [*rows, row if isinstance(first, dict) else other(row)]
    return rows


def _strange(key: str, old: Any) -> Any:
    named = key.lower() in {"cluster", "clusterid", "cluster_id", "component", "rule_id", "check"}
    return other(old) if named else old
