"""SQLAlchemy URL of a database from the options of its storage."""

from __future__ import annotations

import sqlalchemy as sa

from ..config import pg_params
from ..config.options import StorageConfig
from ..errors import ConfigError
from .server import hosts
from .sqlite import SqlitePlace


def url(config: StorageConfig) -> sa.URL:
    """Return the URL. Passwords may contain any character (departure 28).

    With several PostgreSQL hosts it has the first; `server.Server` handles the others.
    """
    if config.db_driver == "sqlite3":
        return sa.URL.create("sqlite+aiosqlite", database=config.sqlite_datasource)
    if config.db_driver != "postgres":
        raise ConfigError(f"driver {config.db_driver} is not supported")
    given = pg_params.parse(config.pg_params)
    first = hosts(config, given)[0]
    return sa.URL.create(
        "postgresql+asyncpg",
        username=given.get("user") or config.pg_username or None,
        password=given.get("password") or config.pg_password or None,
        host=first.address,
        port=first.port,
        database=given.get("dbname") or config.pg_db_name,
    )


def describe(config: StorageConfig) -> str:
    """Return where a SQL storage is: `NAME at HOST:PORT as USER`, or the file; no password."""
    if config.db_driver == "sqlite3":
        return f"{SqlitePlace(config.sqlite_datasource).source} (SQLite)"
    try:
        given = pg_params.parse(config.pg_params)
        servers = ",".join(f"{host.name}:{host.port}" for host in hosts(config, given))
    except ConfigError:
        # it is reported when the storage is opened
        given, servers = {}, f"{config.pg_host}:{config.pg_port}"
    name = given.get("dbname") or config.pg_db_name
    user = given.get("user") or config.pg_username
    return f"{name or '(default)'} at {servers}" + (f" as {user}" if user else "")
