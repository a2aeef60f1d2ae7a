"""Lists of rows as bound parameters, usable as a FROM clause (unnest or json_each).

PostgreSQL gets an array per column and `unnest`, SQLite one JSON text and `json_each`. So the text
of a statement, which is prepared once, does not depend on the number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

# separator of names in a list: ASCII's unit separator
_SEPARATOR = "\x1f"
_Type = sa.types.TypeEngine[Any]


class Rows:
    """A named list of rows with typed columns, for one dialect."""

    def __init__(self, dialect: str, name: str, **columns: _Type) -> None:
        self._arrays = dialect == "postgresql"
        self._name = name
        self._columns = columns
        self.clause = self._unnest() if self._arrays else self._json_each()
        self.c = self.clause.c

    def _unnest(self) -> sa.FromClause:
        arrays = [
            sa.cast(sa.bindparam(f"{self._name}_{column}", type_=ARRAY(kind)), ARRAY(kind))
            for column, kind in self._columns.items()
        ]
        columns = [sa.column(column, kind) for column, kind in self._columns.items()]
        return sa.func.unnest(*arrays).table_valued(*columns, name=self._name).render_derived()

    def _json_each(self) -> sa.FromClause:
        value = sa.func.json_each(sa.bindparam(self._name, type_=sa.Text)).table_valued("value")
        columns = [
            sa.type_coerce(sa.func.json_extract(value.c.value, f"$[{at}]"), kind).label(column)
            for at, (column, kind) in enumerate(self._columns.items())
        ]
        return sa.select(*columns).select_from(value).subquery(self._name)

    def bind(self, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return the parameters that carry these rows; values in the order of the columns."""
        if not self._arrays:
            return {self._name: json.dumps([[_plain(value) for value in row] for row in rows])}
        columns: Iterable[tuple[Any, ...]] = zip(*rows, strict=True) if rows else ()
        lists = [list(values) for values in columns] or [[] for _ in self._columns]
        return {
            f"{self._name}_{column}": values
            for column, values in zip(self._columns, lists, strict=True)
        }


def _plain(value: Any) -> Any:
    """Return the value as JSON type; times in the text form that SQLite stores."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")
    return value


def is_in(dialect: str, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition "column is in the list bound to name"; see `list_parameter`."""
    if dialect == "postgresql":
        return column == sa.any_(
            sa.cast(sa.bindparam(name, type_=ARRAY(column.type)), ARRAY(column.type))
        )
    values = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(values.c.value))


def ascending(dialect: str, *columns: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    """Return the columns for ORDER BY in the order of their characters, as Python sorts.

    SQLite compares so by default; PostgreSQL's default depends on the database's locale.
    """
    if dialect == "postgresql":
        return [sa.collate(column, "C") for column in columns]
    return list(columns)


def numbered(dialect: str, name: str) -> tuple[sa.FromClause, Any, Any]:
    """Return the list bound to name as a table, its values, and their indexes from 0.

    `numbered_parameter` makes the value: one text, which the driver encodes faster than an array
    of texts, and the server parses faster than JSON.
    """
    text = sa.bindparam(name, type_=sa.Text)
    if dialect == "postgresql":
        elements = sa.func.string_to_table(text, sa.func.chr(ord(_SEPARATOR)))
        value = sa.column("value", sa.Text())
        listed = elements.table_valued(value, with_ordinality="place", name=name).render_derived()
        return listed, listed.c.value, listed.c.place - 1
    listed = sa.func.json_each(text).table_valued("value", "key")
    return listed, listed.c.value, listed.c.key


def numbered_parameter(dialect: str, names: Sequence[str]) -> str:
    """Return the value for `numbered`: names of clusters, at least one."""
    if dialect != "postgresql":
        listed: str = list_parameter(dialect, names)
        return listed
    text = _SEPARATOR.join(names)
    if text.count(_SEPARATOR) < len(names):
        return text
    # a name with a separator inside is no cluster; any other invalid name will do
    return _SEPARATOR.join(name.replace(_SEPARATOR, " ") for name in names)


def gathered(dialect: str, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the aggregate of all values of a column, in any order; `gathered_list` reads it."""
    if dialect == "postgresql":
        return sa.func.array_agg(column, type_=ARRAY(column.type))
    return sa.func.json_group_array(column, type_=sa.Text)


def gathered_list(value: Any) -> list[Any]:
    """Return the value of `gathered` as a list."""
    values: list[Any] = json.loads(value) if isinstance(value, str) else value
    return values


def list_parameter(dialect: str, values: Sequence[Any]) -> Any:
    """Return the value for `is_in`."""
    return list(values) if dialect == "postgresql" else json.dumps(list(values))
