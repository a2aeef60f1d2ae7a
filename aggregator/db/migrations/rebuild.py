"""Rebuilds a table under its name, for changes that ALTER TABLE cannot make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa


def rebuild(
    conn: sa.Connection,
    table: str,
    definition: str,
    copied: Sequence[str],
    computed: Mapping[str, str] | None = None,
) -> None:
    """Put a table of this definition in the place of the old one.

    The `copied` columns keep their values, the `computed` ones get that of an SQL expression of
    the old columns, the others their default. No other table may refer to this one: SQLite would
    turn such foreign keys towards the old table.
    """
    old, new = sa.table("tmp", *map(sa.column, copied)), sa.table(table)
    expressions = computed or {}
    for name in (*copied, *expressions):
        new.append_column(sa.column(name))
    values = [old.c[name] for name in copied]
    values += [sa.literal_column(text) for text in expressions.values()]
    conn.exec_driver_sql(f"ALTER TABLE {table} RENAME TO tmp")
    conn.exec_driver_sql(f"CREATE TABLE {table} ({definition})")
    rows = sa.select(*values).select_from(old)
    conn.execute(sa.insert(new).from_select([*copied, *expressions], rows))
    conn.exec_driver_sql("DROP TABLE tmp")
