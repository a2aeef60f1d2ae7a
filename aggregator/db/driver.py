"""Single statements on the raw driver connection (asyncpg, aiosqlite) of SQLAlchemy's pool.

They are composed with SQLAlchemy Core and compiled once. Running one takes less than half of the
CPU time that it takes through AsyncConnection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from .failures import is_transient
from .pool import guard_of
from .statements import Observer

_Compiled = tuple[str, list[str], dict[str, Any]]


class Driver:
    """Executes statements on raw driver connections of an engine."""

    def __init__(self, engine: AsyncEngine, statements: Observer | None = None) -> None:
        self._engine = engine
        self._guard = guard_of(engine)
        self._statements = statements
        self._compiled: dict[sa.Executable, _Compiled] = {}

    async def rows(self, statement: sa.Executable, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute the statement in its own transaction and return its rows.

        Values are Python objects. The statement is retried after a transient error, so it must be
        idempotent.
        """
        text, given = self._bound(statement, values)
        try:
            return await self._observed(text, given)
        except Exception as error:
            if not is_transient(error):
                raise
        return await self._observed(text, given)

    async def parts(
        self, statement: sa.Executable, values: Mapping[str, Any], size: int
    ) -> AsyncGenerator[Sequence[Any], None]:
        """Execute the statement in its own transaction and yield its rows, `size` at a time."""
        text, given = self._bound(statement, values)
        with self._statements.observed(text) if self._statements else nullcontext():
            lent = await self._guard.lend(self._engine)
            connection: Any = lent.driver_connection
            try:
                async with connection.transaction(readonly=True):
                    # an unnamed statement, as a connection pooler may be between
                    prepared = await connection.prepare(text, name="")
                    cursor = await prepared.cursor(*given)
                    while rows := await cursor.fetch(size):
                        yield rows
            except GeneratorExit:
                # the reader has enough; the transaction has ended
                self._guard.give_back(lent)
                raise
            except BaseException as error:
                self._guard.give_back(lent, error)
                raise
            self._guard.give_back(lent)

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

    def _bound(self, statement: Any, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        text, names, fixed = self._compiled.get(statement) or self._compile(statement)
        return text, [values[name] if name in values else fixed[name] for name in names]

    def _compile(self, statement: Any) -> _Compiled:
        compiled = statement.compile(dialect=self._engine.dialect)
        found = (str(compiled), list(compiled.positiontup or ()), dict(compiled.params))
        self._compiled[statement] = found
        return found
