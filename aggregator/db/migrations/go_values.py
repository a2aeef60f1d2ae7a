"""Values of the Go service of 2020 in SQLite, which has no types: times and texts as of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

_PAGE = 500


def convert(
    conn: sa.Connection, tables: Mapping[str, Sequence[str]], texts: Mapping[str, Sequence[str]]
) -> None:
    """Store the times of these columns in UTC and in the form of today, and BLOBs as texts."""
    for name in {*tables, *texts}:
        _convert(conn, name, tables.get(name, ()), texts.get(name, ()))


def _convert(conn: sa.Connection, name: str, times: Sequence[str], texts: Sequence[str]) -> None:
    # without types, which would refuse the values
    table = sa.table(name, *map(sa.column, ("rowid", *times, *texts)))
    page = sa.select(table).where(table.c.rowid > sa.bindparam("last"))
    page = page.order_by(table.c.rowid).limit(_PAGE)
    last = -1
    while rows := conn.execute(page, {"last": last}).all():
        for row in rows:
            old = row._mapping
            new = {column: _time(old[column]) for column in times}
            new |= {column: _text(old[column]) for column in texts}
            changed = {column: value for column, value in new.items() if value != old[column]}
            if changed:
                conn.execute(
                    sa.update(table).where(table.c.rowid == old["rowid"]).values(**changed)
                )
        last = rows[-1].rowid


def _time(value: object) -> object:
    """Return a time in UTC with microseconds; what is none stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return value
    return found.strftime("%Y-%m-%d %H:%M:%S.%f") if found.year >= 1000 else _early(found)


def _early(found: datetime) -> str:
    # strftime would not write four digits of the year
    return f"{found.year:04}{found.strftime('-%m-%d %H:%M:%S.%f')}"


def _text(value: object) -> object:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
