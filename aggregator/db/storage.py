"""All aggregates of a configuration, as one Storage."""

from __future__ import annotations

from ..config import Config, StorageConfig
from ..errors import ConfigError, SchemaMismatch, Unavailable, UnusableStorage
from ..metrics import Metrics
from ..storage import Storage
from . import noop
from .acks import SqlAcks
from .engine import Database, connect
from .feedback import SqlFeedback
from .migrations import DVO, OCP, Chain, current, migrate
from .organizations import SqlOrgs
from .ratings import SqlRatings
from .recommendations import SqlRecommendations
from .refused import SqlRefusedMessages
from .reports import SqlReports
from .sqlite import SqlitePlace
from .statements import StatementLog
from .toggles import SqlToggles
from .votes import SqlVotes
from .workloads import SqlDvo

NOT_SUPPORTED = "not supported"
_MIGRATION = "insights-results-aggregator migration latest"
UNREADABLE = "Unable to retrieve DB migration version"
_TYPES = {"ocp": ("sql", "redis", "noop", ""), "dvo": ("sql", "noop", "")}


class SqlHealth:
    """Whether the databases answer and have the schema that this service needs."""

    def __init__(self, databases: dict[str, Database]) -> None:
        self._databases = databases

    def _chains(self) -> list[tuple[Chain, Database]]:
        chains = {"ocp": OCP, "dvo": DVO}
        return [(chains[name], database) for name, database in self._databases.items()]

    @property
    def on_servers(self) -> bool:
        """Return whether a database is on a server, which may be unavailable for a while."""
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
        """Bring a database in memory to the latest version; raise SchemaMismatch for others."""
        for chain, database in self._chains():
            if database.in_memory:
                await migrate(database.engine, chain, chain.latest)
            version = await _version(database, chain)
            if version != chain.latest:
                raise SchemaMismatch(_mismatch(version, chain))

    async def schema_versions(self) -> tuple[str, str]:
        """Read the versions as `/info` shows them."""
        shown = {"ocp": NOT_SUPPORTED, "dvo": NOT_SUPPORTED}
        for chain, database in self._chains():
            try:
                shown[chain.name] = str(await _version(database, chain))
            except Unavailable:
                shown[chain.name] = UNREADABLE
        return shown["ocp"], shown["dvo"]

    async def close(self) -> None:
        """Dispose of the engines."""
        for database in self._databases.values():
            await database.close()


async def _version(database: Database, chain: Chain) -> int:
    async with database.reachable():
        return await current(database.engine, chain)


def _mismatch(version: int, chain: Chain) -> str:
    """Say which schema has which version, in the Go service's words, and what to do."""
    text = f"old DB migration version (current: {version}, latest: {chain.latest})"
    variable = "INSIGHTS_RESULTS_AGGREGATOR__STORAGE_BACKEND__USE"
    help_text = f"run {variable}={chain.name}_recommendations {_MIGRATION}"
    if version > chain.latest:
        help_text = "a newer service has migrated it"
    return f"{chain.name.upper()} schema: {text}; {help_text}"


def build(config: Config, metrics: Metrics | None = None) -> tuple[Storage, SqlHealth]:
    """Construct the storage; nothing is connected yet. Raise UnusableStorage.

    `metrics` hear of statements where `log_sql_queries` is on.
    """
    ocp, dvo = config.ocp_recommendations_storage, config.dvo_recommendations_storage
    for name, section in (("ocp", ocp), ("dvo", dvo)):
        if section.type not in _TYPES[name]:
            raise UnusableStorage(f"Unknown storage type '{section.type}'")
    try:
        found = databases(ocp, dvo, StatementLog(metrics) if metrics else None)
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
        refused=SqlRefusedMessages(either) if either else noop.NoopRefusedMessages(),
        dvo=SqlDvo(second) if second else noop.NoopDvo(),
        health=health,
        keeps=bool(found),
        lanes=max((one.lanes for one in found.values()), default=1),
        asked=lambda: any(one.asked() for one in found.values()),
    )
    return storage, health


def databases(
    ocp: StorageConfig, dvo: StorageConfig, statements: StatementLog | None = None
) -> dict[str, Database]:
    """Return a database for each SQL storage; two storages in one place share its pool."""
    found: dict[str, Database] = {}
    if ocp.type == "sql":
        found["ocp"] = _database(ocp, statements)
    if dvo.type == "sql":
        shared = found.get("ocp") if _same_place(ocp, dvo) else None
        found["dvo"] = shared or _database(dvo, statements)
    return found


def _same_place(ocp: StorageConfig, dvo: StorageConfig) -> bool:
    fields = (
        "db_driver", "sqlite_datasource", "pg_host", "pg_port", "pg_db_name", "pg_username",
        "pg_password", "pg_params", "pg_read_host",
    )  # fmt: skip
    return all(getattr(ocp, name) == getattr(dvo, name) for name in fields)


def _database(section: StorageConfig, statements: StatementLog | None) -> Database:
    replica = connect(section, read_replica=True) if section.pg_read_host else None
    return Database(connect(section), replica, statements if section.log_sql_queries else None)
