"""`migration [N|latest|max]`: prints or changes the schema version of the database."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence

from ..config import pg_params
from ..config.options import Config, StorageConfig
from ..db import migrations
from ..db.engine import Database, connect
from ..db.migrations import DVO, OCP, Chain
from ..db.url import url
from ..errors import (
    AggregatorError,
    ConfigError,
    MigrationError,
    Unavailable,
)
from . import arguments, targets

log = logging.getLogger(__name__)

PREPARE_FAILED, MIGRATION_FAILED = 2, 5
NEWEST = {"latest", "max"}
LARGEST = 2**64 - 1
CHAINS = {"ocp_recommendations": OCP, "dvo_recommendations": DVO}
STATUS = """\
Exit status: 0 done, 2 storage or schema not usable, 5 target or migration not possible."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Log the version of the database schema, or migrate it up or down. It works on the "
        "storages of storage_backend.use; `latest` without that option on all SQL storages.",
        "migration",
        "migration latest",
        "migration 31",
        status=STATUS,
    )
    parser.add_argument(
        "target",
        nargs="*",
        help="latest, max, or a version: 0 to 32 (OCP), 0 to 4 (DVO). Without it the schema and "
        "the table of its version are created where they are missing, and the version is logged",
    )


def run(config: Config, options: argparse.Namespace) -> int:
    """Work on the schemas named by `storage_backend.use`; return the exit status."""
    argv = [*options.target, *options.ignored]
    try:
        _announce(config)
    except ConfigError as error:
        _fail("Error creating storage", error)
        return PREPARE_FAILED
    try:
        chosen = [_chosen(config, use) for use in _backends(config, argv) or ("",)]
    except MigrationError as error:
        log.error("%s", error)
        return MIGRATION_FAILED
    try:
        return asyncio.run(_work(chosen, argv))
    finally:
        log.info("Closing connection to data storage")


def _announce(config: Config) -> None:
    """Say which storages there are, as the Go service does; raise ConfigError for a bad one."""
    ocp, dvo = config.ocp_recommendations_storage, config.dvo_recommendations_storage
    if sys.stderr.isatty():
        # the log has the Go service's lines, which do not tell where the OCP storage is
        targets.name_databases(
            config, *(use for use in config.storage_backend.use if use in CHAINS)
        )
    if ocp.type:
        log.info("", extra={"fields": {"OCP storage type": ocp.type}})
    if ocp.type == "sql":
        url(ocp)
        log.info("Making connection to data storage, driver=%s", ocp.db_driver)
    if dvo.type:
        log.info("", extra={"fields": {"DVO storage type": dvo.type}})
    if dvo.type == "sql":
        log.info(
            "Making connection to DVO data storage, driver=%s, connection string '%s'",
            dvo.db_driver,
            _where(dvo),
        )
        log.debug("connection to DVO storage created")


def _where(section: StorageConfig) -> str:
    """Return the place in the Go service's form, without the password."""
    if section.db_driver != "postgres":
        return url(section).render_as_string(hide_password=True)
    address = f"{section.pg_host}:{section.pg_port}/{section.pg_db_name}"
    parameters = pg_params.masked(section.pg_params)
    return f"postgresql://{section.pg_username}:<password>@{address}?{parameters}"


def _backends(config: Config, argv: Sequence[str]) -> tuple[str, ...]:
    """Return what `storage_backend.use` names; without it all SQL storages, as start-service needs.

    A number is a version of one chain, so it is then for the default of `use` alone.
    """
    named = config.storage_backend.use
    if config.backend_given or not set(map(str.lower, argv)) <= NEWEST:
        return named
    others = (name for name in CHAINS if name not in named)
    return named + tuple(
        name for name in others if getattr(config, f"{name}_storage").type == "sql"
    )


def _chosen(config: Config, use: str) -> tuple[Chain, StorageConfig]:
    section: StorageConfig = getattr(config, f"{use}_storage", StorageConfig(type="noop"))
    if use not in CHAINS or section.type != "sql":
        raise MigrationError("storage backend does not support database migrations")
    return CHAINS[use], section


async def _work(chosen: list[tuple[Chain, StorageConfig]], argv: list[str]) -> int:
    for chain, section in chosen:
        # the texts are the Go service's, which works on one schema
        fields = {"schema": chain.name.upper()} if len(chosen) > 1 else {}
        database = Database(connect(section))
        if database.in_memory:
            log.warning("the database is in memory, so nothing of this is kept")
        try:
            async with database.reachable():
                status = await _one(database, chain, argv, fields)
        except Unavailable as error:
            _fail("Unable to initialize DB schema", error)
            status = PREPARE_FAILED
        finally:
            await database.close()
        if status:
            return status
    return 0


async def _one(database: Database, chain: Chain, argv: list[str], fields: dict[str, str]) -> int:
    try:
        await migrations.prepare(database.engine, chain)
    except MigrationError as error:
        _fail("Unable to initialize DB schema", error)
        return PREPARE_FAILED
    if len(argv) > 1:
        log.error("Unexpected number of arguments to migrations command (expected 0-1)")
        return MIGRATION_FAILED
    if not argv:
        version = await migrations.current(database.engine, chain)
        log.info("Current DB version: %d", version, extra={"fields": fields})
        log.info("Maximum available version: %d", chain.latest, extra={"fields": fields})
        return 0
    try:
        target = _target(argv[0], chain)
    except ValueError as error:
        _fail("Unable to parse target migration version", error)
        return MIGRATION_FAILED
    try:
        await migrations.migrate(database.engine, chain, target)
    except AggregatorError as error:
        _fail("Unable to perform migration", error)
        return MIGRATION_FAILED
    log.info("Database version is now %d", target, extra={"fields": fields})
    return 0


def _target(text: str, chain: Chain) -> int:
    if text.lower() in NEWEST:
        return chain.latest
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > LARGEST:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _fail(what: str, error: Exception) -> None:
    log.error("%s", what, extra={"fields": {"error": " ".join(str(error).split())}})
