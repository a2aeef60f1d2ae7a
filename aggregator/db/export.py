"""Reads whole tables out of one snapshot, in chunks, for some organizations or since a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import tables as t
from .engine import Database
from .failures import translated
from .migrations import DVO, OCP, Chain
from .rows import is_in, list_parameter

# a row of these may have megabytes, one of the others a kilobyte
_LARGE_ROWS = {t.report.name, t.dvo_report.name, t.consumer_error.name}
FEW, MANY = 100, 2000

_SINCE = sa.bindparam("since", type_=sa.DateTime)
# when a row was last written; those without a time of their own are as old as their report
_CHANGED: dict[str, sa.ColumnElement[Any]] = {
    t.report.name: t.report.c.reported_at,
    t.rule_hit.name: t.rule_hit.c.created_at,
    t.recommendation.name: t.recommendation.c.created_at,
    t.consumer_error.name: t.consumer_error.c.consumed_at,
    t.cluster_rule_toggle.name: t.cluster_rule_toggle.c.updated_at,
    t.cluster_rule_user_feedback.name: t.cluster_rule_user_feedback.c.updated_at,
    t.cluster_user_rule_disable_feedback.name: t.cluster_user_rule_disable_feedback.c.updated_at,
    t.rule_disable.name: sa.func.coalesce(t.rule_disable.c.updated_at, t.rule_disable.c.created_at),
    t.advisor_ratings.name: t.advisor_ratings.c.last_updated_at,
    t.dvo_report.name: t.dvo_report.c.reported_at,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: of these organizations (None: all), written at or after `since` (naive UTC)."""

    organizations: frozenset[int] | None = None
    since: datetime | None = None


@dataclass
class Exported:
    """A table of the export: its name there, and its columns."""

    name: str
    source: sa.Table
    # rows left out because nothing tells their organization
    unattributed: int = field(default=0, init=False)

    @property
    def columns(self) -> list[sa.Column[Any]]:
        """Return the columns in the order of the table."""
        return list(self.source.columns)


def tables(dialect: str, *, ocp: bool, dvo: bool) -> list[Exported]:
    """Return all tables of the schemas, by name."""
    found = []
    if ocp:
        own = (table for table in t.metadata.tables.values() if table.schema is None)
        found += [Exported(table.name, table) for table in own]
        found.append(_versions(OCP, dialect))
    if dvo:
        found += [Exported(t.dvo_report.name, t.dvo_report), _versions(DVO, dialect)]
    return sorted(found, key=lambda table: table.name)


def _versions(chain: Chain, dialect: str) -> Exported:
    # the name that the table has in SQLite, where both schemas are one
    return Exported(chain.sqlite_info_table, chain.info_table(dialect))


class Snapshot:
    """One state of a database. Every method raises Unavailable when the database fails."""

    def __init__(self, connection: AsyncConnection, dialect: str) -> None:
        self._connection = connection
        self._dialect = dialect

    async def count(self, table: Exported, chosen: Filter) -> int:
        """Return how many rows the filter selects, with those whose organization is unknown."""
        statement, values = self._select(table, chosen)
        counted = sa.select(sa.func.count()).select_from(statement.subquery())
        with translated():
            return (await self._connection.execute(counted, values)).scalar_one()

    async def rows(self, table: Exported, chosen: Filter) -> AsyncIterator[list[Sequence[Any]]]:
        """Yield the rows in chunks that fit into memory."""
        statement, values = self._select(table, chosen)
        size = FEW if table.name in _LARGE_ROWS else MANY
        with translated():
            result = await self._connection.stream(
                statement, values, execution_options={"yield_per": size}
            )
        try:
            while True:
                with translated():
                    chunk: list[Any] = list(await result.fetchmany(size))
                if not chunk:
                    return
                yield _attributed(table, chunk, chosen.organizations)
        finally:
            with contextlib.suppress(Exception):
                await result.close()

    async def disabled_rules(self, chosen: Filter) -> list[tuple[str, int]]:
        """Return the rules that several of the organizations have acknowledged, most first."""
        rows, values = self._select(Exported("rule_disable", t.rule_disable), chosen)
        rule, number = rows.subquery().c.rule_id, sa.func.count()
        statement = (
            sa.select(rule, number).group_by(rule).having(number > 1).order_by(number.desc(), rule)
        )
        with translated():
            result = await self._connection.execute(statement, values)
            return [(row[0], row[1]) for row in result]

    def _select(self, table: Exported, chosen: Filter) -> tuple[sa.Select[Any], Mapping[str, Any]]:
        statement, values = sa.select(*table.columns), {}
        organization = table.source.columns.get("org_id")
        if chosen.organizations is not None and organization is not None:
            kind = int if isinstance(organization.type, sa.Integer) else str
            listed = [kind(each) for each in sorted(chosen.organizations)]
            statement = statement.where(is_in(self._dialect, organization, "organizations"))
            values["organizations"] = list_parameter(self._dialect, listed)
        if chosen.since is not None and (changed := _changed_since(table)) is not None:
            statement = statement.where(changed)
            values["since"] = chosen.since
        return statement, values


@contextlib.asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Snapshot]:
    """Open a snapshot; raise Unavailable when the database cannot be reached."""
    async with contextlib.AsyncExitStack() as stack:
        with translated():
            connection = await stack.enter_async_context(database.snapshot())
        yield Snapshot(connection, database.dialect)


def _changed_since(table: Exported) -> sa.ColumnElement[bool] | None:
    if table.source is t.report_info:
        own = t.report.c.cluster == t.report_info.c.cluster_id
        return sa.exists().where(own, t.report.c.reported_at >= _SINCE)
    changed = _CHANGED.get(table.name)
    return None if changed is None else changed >= _SINCE


def _attributed(
    table: Exported, chunk: list[Any], organizations: Collection[int] | None
) -> list[Sequence[Any]]:
    """Leave out invalid messages of other organizations: the table has no column for them."""
    if organizations is None or table.source is not t.consumer_error:
        return chunk
    kept = []
    for row in chunk:
        organization = _organization(row.message)
        table.unattributed += organization is None
        if organization in organizations:
            kept.append(row)
    return kept


def _organization(message: str | None) -> int | None:
    """Return the organization that an invalid message names, None if it names none."""
    try:
        document = json.loads(message or "")
    except (ValueError, RecursionError):
        return None
    organization = document.get("OrgID") if isinstance(document, dict) else None
    return organization if type(organization) is int else None
