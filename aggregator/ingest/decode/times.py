"""Times of messages: RFC 3339 text and the moment that it means."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from ...errors import InvalidInput
from ...model import YEAR_ONE

NO_TIME = "0001-01-01T00:00:00Z"

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


class Moment(NamedTuple):
    """A moment as naive UTC, rounded to microseconds, and as text with its own zone."""

    utc: datetime
    text: str


EPOCH = datetime(1970, 1, 1)
# the driver writes datetime.min and datetime.max as -infinity and infinity
FIRST, LAST = datetime(1, 1, 1, 0, 0, 1), datetime(9999, 12, 31, 23, 59, 59)
UNKNOWN = Moment(YEAR_ONE, NO_TIME)


def moment(text: str) -> Moment:
    """Return the moment that RFC 3339 text means; raise InvalidInput with the reason alone.

    As in the Go service the hour may have one digit and the fraction may follow a comma.
    """
    return _well_formed(text) or _any(text)


def _well_formed(text: str) -> Moment | None:
    """Return the moment if it is UTC, to the microsecond at most, quickly."""
    match = _USUAL.fullmatch(text)
    if match is None:
        return None
    with suppress(ValueError):
        utc = datetime.fromisoformat(text[:-1])
        return Moment(utc, text if match[1] is None else text[:-1].rstrip("0").rstrip(".") + "Z")
    return None


def _any(text: str) -> Moment:
    match = _TIME.fullmatch(text)
    if match is None:
        raise InvalidInput("RFC 3339 expected")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = match.groups()[6:]
    hours, minutes = int(zone_hours or 0), int(zone_minutes or 0)
    if hours > 24 or minutes > 60:
        raise InvalidInput("time zone offset out of range")
    zone = timedelta(hours=hours, minutes=minutes)
    try:
        wall = datetime(year, month, day, hour, minute, second)
        shift = timedelta(microseconds=_microseconds(fraction))
        utc = wall + (shift + zone if sign == "-" else shift - zone)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"out of range ({error})") from error
    zone_text = text[-6:] if zone else "Z"
    nanoseconds = (fraction or "")[:9].rstrip("0")
    text = wall.isoformat() + (f".{nanoseconds}" if nanoseconds else "") + zone_text
    return Moment(utc, text)


def _microseconds(fraction: str | None) -> int:
    """Return a fraction of a second rounded as PostgreSQL does: the nearest, halves to even."""
    if not fraction:
        return 0
    if len(fraction) <= 6:
        return int(fraction.ljust(6, "0"))
    return round(float(f"0.{fraction[:9]}") * 1_000_000)


def of_record(milliseconds: int | None) -> datetime:
    """Return a record's timestamp as naive UTC: the nearest one that tables can hold.

    Producers may write any number of 64 bits, microseconds for example.
    """
    try:
        return EPOCH + timedelta(milliseconds=milliseconds or 0)
    except OverflowError:
        return FIRST if (milliseconds or 0) < 0 else LAST
