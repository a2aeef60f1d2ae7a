"""Single statements straight through PostgreSQL's driver.

They are composed with SQLAlchemy Core and compiled once; running them costs a third of what it
costs through SQLAlchemy's asynchronous connections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from .connections import Connections
from .server import CONNECT_SECONDS, SESSION
from .statements import StatementLog

# the execution option of an engine that holds how its connections are opened
OPENER = "opener"
# SQLAlchemy's own, which the driver does not know
_OURS = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback")

_Compiled = tuple[str, list[str], dict[str, Any]]


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes, too, as SQLAlchemy's are."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        """Return a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Driver:
    """The driver's own connections to where the engine goes."""

    def __init__(
        self, engine: AsyncEngine, size: int, statements: StatementLog | None = None
    ) -> None:
        self._dialect = engine.dialect
        self._statements = statements
        _, given = engine.dialect.create_connect_args(engine.url)
        where = {name: value for name, value in given.items() if name not in _OURS}
        where |= {"timeout": CONNECT_SECONDS, "server_settings": SESSION}
        self._connections = Connections(size, engine.get_execution_options()[OPENER], **where)
        self._compiled: dict[sa.Executable, _Compiled] = {}

    async def rows(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run the statement, a transaction of its own, and return its rows.

        Values are given as Python has them; columns of JSON come as text.
        """
        text, names, fixed = self._compiled.get(statement) or self._compile(statement)
        given = [values[name] if name in values else fixed[name] for name in names]
        if self._statements:
            with self._statements.observed(text):
                return await self._connections.fetch(text, given, Row)
        return await self._connections.fetch(text, given, Row)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _compile(self, statement: Any) -> _Compiled:
        compiled = statement.compile(dialect=self._dialect)
        found = (str(compiled), list(compiled.positiontup or ()), dict(compiled.params))
        self._compiled[statement] = found
        return found
