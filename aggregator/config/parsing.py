"""Parses configuration values from file types or from text."""

from __future__ import annotations

import re
from typing import Annotated, Any

# both are seconds; they differ in the unit of a number without one
Duration = Annotated[float, "a bare number is nanoseconds"]
Seconds = Annotated[float, "a bare number is seconds"]

_TRUE, _FALSE = {"1", "t", "true"}, {"0", "f", "false"}
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_AMOUNT = r"(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_GO_DURATION = re.compile(rf"\+?(?:{_AMOUNT})+", re.ASCII)
_GO_PART = re.compile(_AMOUNT, re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# both letters that Go reads as micro
_SECONDS |= {"\u00b5s": 1e-6, "\u03bcs": 1e-6}


def expected_form(kind: Any) -> str:
    """Describe the expected form of a value of this type, for error messages."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    lengths = {Duration: "a duration (30s)", Seconds: "a duration (30s) or seconds"}
    return names.get(kind) or lengths.get(kind, "a list of texts")


def parse(kind: Any, value: Any) -> Any:
    """Return the value as this type; raise ValueError or TypeError."""
    readers: dict[Any, Any] = {bool: _boolean, int: _integer, float: _number, str: _text}
    readers |= {Duration: _duration, Seconds: _seconds}
    return readers.get(kind, _texts)(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    if isinstance(value, dict | list | bool) or value is None:
        raise ValueError
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(_text(item) for item in value)


def _duration(value: Any) -> float:
    """Parse a Go duration (`1m30s`); a bare number is nanoseconds, as in the Go service."""
    number = _bare_number(value)
    return _go_duration(value) if number is None else number * 1e-9


def _seconds(value: Any) -> float:
    """Parse a Go duration; a bare number is seconds, in options the Go service lacks."""
    number = _bare_number(value)
    return _go_duration(value) if number is None else number


def _bare_number(value: Any) -> float | None:
    if isinstance(value, bool):
        raise ValueError
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _go_duration(value: Any) -> float:
    if not _GO_DURATION.fullmatch(str(value)):
        raise ValueError
    parts = _GO_PART.findall(str(value))
    return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
