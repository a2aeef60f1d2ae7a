"""Observers of SQL statements, such as the log with `log_sql_queries` (contract storage 8)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ..metrics import Metrics

log = logging.getLogger(__name__)


class Observer(Protocol):
    """What is told of each statement: its log, its trace."""

    def observed(self, text: str) -> AbstractContextManager[None]:
        """Observe the statement executed in this block."""

    def watch(self, engine: AsyncEngine) -> None:
        """Observe all statements of the engine."""


class Observers:
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    @contextmanager
    def observed(self, text: str) -> Iterator[None]:
        """Observe the statement executed in this block."""
        with ExitStack() as stack:
            for one in self._observers:
                stack.enter_context(one.observed(text))
            yield

    def watch(self, engine: AsyncEngine) -> None:
        """Observe all statements of the engine."""
        for one in self._observers:
            one.watch(engine)


class StatementLog:
    """Counts statements, times successful ones, and logs each at level debug.

    Parameters are not logged, since they contain users' names and messages. Texts of statements do
    not depend on parameters, so the number of time series is limited.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @contextmanager
    def observed(self, text: str) -> Iterator[None]:
        """Log and time the statement executed in this block."""
        begun = self._begun(text)
        yield
        self._ended(text, begun)

    def watch(self, engine: AsyncEngine) -> None:
        """Log and time all statements of the engine."""

        @sa.event.listens_for(engine.sync_engine, "before_cursor_execute")
        def before(_conn: Any, _cursor: Any, text: str, _given: Any, context: Any, _: Any) -> None:
            context.begun_at = self._begun(text)

        @sa.event.listens_for(engine.sync_engine, "after_cursor_execute")
        def after(_conn: Any, _cursor: Any, text: str, _given: Any, context: Any, _: Any) -> None:
            self._ended(text, context.begun_at)

    def _begun(self, text: str) -> float:
        self._metrics.query_started()
        log.debug("query `%s`", text, extra={"fields": {"type": "SQL"}})
        return time.perf_counter()

    def _ended(self, text: str, begun: float) -> None:
        seconds = time.perf_counter() - begun
        self._metrics.query_finished(text, seconds)
        took = f"{seconds * 1e6:.1f}µs"
        log.debug("query `%s` took %s", text, took, extra={"fields": {"type": "SQL"}})
