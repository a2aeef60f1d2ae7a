"""Builds the Storage of a configuration: SQL, Redis or no-op aggregates, and their health."""

from __future__ import annotations

import asyncio

from ..config.options import Config, StorageConfig
from ..errors import (
    ConfigError,
    SchemaMismatch,
    Unavailable,
    UnusableStorage,
)
from ..metrics import Metrics
from ..storage import Storage
from . import noop
from .acks import SqlAcks
from .consumer_errors import SqlConsumerErrors
from .engine import STATEMENT_SECONDS, Database, connect
from .feedback import SqlFeedback
from .migrations import (
    DVO,
    OCP,
    Chain,
    current,
    migrate,
)
from .organizations import SqlOrgs
from .ratings import SqlRatings
from .recommendations import SqlRecommendations
from .reports import SqlReports
from .sqlite import SqlitePlace
from .statements import Observer, Observers, StatementLog
from .toggles import SqlToggles
from .votes import SqlVotes
from .workloads import SqlDvo

NOT_SUPPORTED = "not supported"
_MIGRATION = "insights-results-aggregator migration latest"
UNREADABLE = "Unable to retrieve DB migration version"
_TYPES = {"ocp": ("sql", "redis", "noop", ""), "dvo": ("sql", "noop", "")}


class SqlHealth:
    """Health of a storage's databases: availability, schema versions, activity."""

    def __init__(self, databases: dict[str, Database]) -> None:
        self._databases = databases

    def _chains(self) -> list[tuple[Chain, Database]]:
        chains = {"ocp": OCP, "dvo": DVO}
        return [(chains[name], database) for name, database in self._databases.items()]

    @property
    def on_servers(self) -> bool:
        """Return True if a database is on a server, which may be unavailable."""
        return any(one.dialect != "sqlite" for one in self._databases.values())

    async def check(self) -> None:
        """Compare every schema's version with the latest one."""
        for chain, database in self._chains():
            version = await _version(database, chain)
            if version != chain.latest:
                raise Unavailable(_mismatch(version, chain))
            if database.dialect == "sqlite":
                SqlitePlace(database.engine.url.database or "").check_writable()

    async def require_latest(self) -> None:
        """Migrate an in-memory database to the latest version; raise SchemaMismatch for others."""
        for chain, database in self._chains():
            if database.in_memory:
                await migrate(database.engine, chain, chain.latest)
            version = await _version(database, chain)
            if version != chain.latest:
                raise SchemaMismatch(_mismatch(version, chain))

    async def schema_versions(self) -> tuple[str, str]:
        """Return the schema versions for `/info`."""
        shown = {"ocp": NOT_SUPPORTED, "dvo": NOT_SUPPORTED}
        for chain, database in self._chains():
            try:
                shown[chain.name] = str(await _version(database, chain))
            except Unavailable:
                shown[chain.name] = UNREADABLE
        return shown["ocp"], shown["dvo"]

    @property
    def shards(self) -> int:
        """Return how many concurrent transactions are the fastest way to store a batch."""
        return max((one.shards for one in self._databases.values()), default=1)

    def readers_active(self) -> bool:
        """Return True if a read ran within the last second."""
        return any(one.readers_active() for one in self._databases.values())

    async def close(self) -> None:
        """Close all connections, within a time limit."""
        await asyncio.gather(*(one.close() for one in set(self._databases.values())))


async def _version(database: Database, chain: Chain) -> int:
    async with database.reachable():
        return await current(database.engine, chain)


def _mismatch(version: int, chain: Chain) -> str:
    """Return the Go service's text for a version mismatch, with the command that repairs it."""
    text = f"old DB migration version (current: {version}, latest: {chain.latest})"
    variable = "INSIGHTS_RESULTS_AGGREGATOR__STORAGE_BACKEND__USE"
    help_text = f"run {variable}={chain.name}_recommendations {_MIGRATION}"
    if version > chain.latest:
        help_text = "a newer service has migrated it"
    return f"{chain.name.upper()} schema: {text}; {help_text}"


def build(
    config: Config, metrics: Metrics | None = None, traces: Observer | None = None
) -> tuple[Storage, SqlHealth]:
    """Construct the storage without connecting. Raise UnusableStorage.

    `metrics` count and time statements if `log_sql_queries` is on; `traces` observe all.
    """
    ocp, dvo = config.ocp_recommendations_storage, config.dvo_recommendations_storage
    for name, section in (("ocp", ocp), ("dvo", dvo)):
        if section.type not in _TYPES[name]:
            raise UnusableStorage(f"Unknown storage type '{section.type}'")
    statements = StatementLog(metrics) if metrics else None
    try:
        found = databases(ocp, dvo, statements, STATEMENT_SECONDS, traces)
    except ConfigError as error:
        raise UnusableStorage(str(error)) from error
    health = SqlHealth(found)
    first, second = found.get("ocp"), found.get("dvo")
    either = first or second
    storage = Storage(
        reports=SqlReports(first) if first else noop.NoopReports(),
        orgs=SqlOrgs(first) if first else noop.NoopOrgs(),
        recommendations=SqlRecommendations(first) if first else noop.NoopRecommendations(),
        votes=SqlVotes(first) if first else noop.NoopVotes(),
        toggles=SqlToggles(first) if first else noop.NoopToggles(),
        feedback=SqlFeedback(first) if first else noop.NoopFeedback(),
        acks=SqlAcks(first) if first else noop.NoopAcks(),
        ratings=SqlRatings(first) if first else noop.NoopRatings(),
        consumer_errors=SqlConsumerErrors(either) if either else noop.NoopConsumerErrors(),
        dvo=SqlDvo(second) if second else noop.NoopDvo(),
        health=health,
        persistent=bool(found),
    )
    return storage, health


def databases(
    ocp: StorageConfig,
    dvo: StorageConfig,
    statements: StatementLog | None = None,
    limit: float | None = None,
    traces: Observer | None = None,
) -> dict[str, Database]:
    """Return a Database per SQL storage; storages with the same URL share one.

    `limit` is the statement timeout in seconds.
    """
    found: dict[str, Database] = {}
    if ocp.type == "sql":
        found["ocp"] = _database(ocp, statements, limit, traces)
    if dvo.type == "sql":
        shared = found.get("ocp") if _same_place(ocp, dvo) else None
        found["dvo"] = shared or _database(dvo, statements, limit, traces)
    return found


def _same_place(ocp: StorageConfig, dvo: StorageConfig) -> bool:
    fields = (
        "db_driver", "sqlite_datasource", "pg_host", "pg_port", "pg_db_name", "pg_username",
        "pg_password", "pg_params", "pg_read_host",
    )  # fmt: skip
    return all(getattr(ocp, name) == getattr(dvo, name) for name in fields)


def _database(
    section: StorageConfig,
    statements: StatementLog | None,
    limit: float | None,
    traces: Observer | None,
) -> Database:
    replica = connect(section, read_replica=True, limit=limit) if section.pg_read_host else None
    wanted = (statements if section.log_sql_queries else None, traces)
    observers = [one for one in wanted if one is not None]
    observer = Observers(*observers) if observers else None
    return Database(connect(section, limit=limit), replica, observer)
