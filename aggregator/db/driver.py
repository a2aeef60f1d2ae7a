"""Single statements on the raw driver connection (asyncpg, aiosqlite) of SQLAlchemy's pool.

They are composed with SQLAlchemy Core and compiled once. Running one takes less than half of the
CPU time that it takes through AsyncConnection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from .failures import is_transient
from .pool import guard_of
from .statements import StatementLog

_Compiled = tuple[str, list[str], dict[str, Any]]


class Driver:
    """Executes statements on raw driver connections of an engine."""

    def __init__(self, engine: AsyncEngine, statements: StatementLog | None = None) -> None:
        self._engine = engine
        self._guard = guard_of(engine)
        self._statements = statements
        self._compiled: dict[sa.Executable, _Compiled] = {}

    async def rows(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute the statement in its own transaction and return its rows.

        Values are Python objects. The statement is retried after a transient error, so it must be
        idempotent.
        """
        text, names, fixed = self._compiled.get(statement) or self._compile(statement)
        given = [values[name] if name in values else fixed[name] for name in names]
        try:
            return await self._observed(text, given)
        except Exception as error:
            if not is_transient(error):
                raise
        return await self._observed(text, given)

    async def _observed(self, text: str, given: Sequence[Any]) -> Sequence[Any]:
        if self._statements is None:
            return await self._fetch(text, given)
        with self._statements.observed(text):
            return await self._fetch(text, given)

    async def _fetch(self, text: str, given: Sequence[Any]) -> Sequence[Any]:
        lent = await self._guard.lend(self._engine)
        connection: Any = lent.driver_connection
        try:
            rows: Sequence[Any] = await connection.fetch(text, *given)
        except BaseException as error:
            self._guard.give_back(lent, error)
            raise
        self._guard.give_back(lent)
        return rows

    def _compile(self, statement: Any) -> _Compiled:
        compiled = statement.compile(dialect=self._engine.dialect)
        found = (str(compiled), list(compiled.positiontup or ()), dict(compiled.params))
        self._compiled[statement] = found
        return found
