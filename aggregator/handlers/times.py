"""Formats stored times (naive UTC or None) as text for clients."""

from __future__ import annotations

import time as clock
from datetime import datetime
from functools import lru_cache
from typing import Any

from tornado.httputil import format_timestamp

from ..model import YEAR_ONE


def seconds(time: datetime | None) -> str:
    """Return whole seconds, `2026-03-01T10:00:00Z`; a missing time is the year 1."""
    return (time or YEAR_ONE).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def fractions(time: datetime | None) -> str:
    """Return the time with its fraction, `2026-03-01T10:00:00.25Z`; a missing time is empty."""
    if time is None:
        return ""
    text = time.replace(tzinfo=None).isoformat()
    if time.microsecond:
        text = text.rstrip("0")
    return text + "Z"


def pair(time: datetime | None) -> dict[str, Any]:
    """Return Go's sql.NullTime of the lists of disabled rules: time and validity."""
    return {"Time": fractions(time or YEAR_ONE), "Valid": time is not None}


def now_in_header() -> str:
    """Return the value of header `Date`, cached for a second."""
    return _in_header(int(clock.time()))


@lru_cache(1)
def _in_header(second: int) -> str:
    return format_timestamp(second)
