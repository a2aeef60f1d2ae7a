"""The URL of a database, made from the options of its storage."""

from __future__ import annotations

import sqlalchemy as sa

from ..config import StorageConfig
from ..errors import ConfigError


def url(config: StorageConfig, *, host: str = "") -> sa.URL:
    """Return where the storage is. Passwords may hold any character (departure 28)."""
    if config.db_driver == "sqlite3":
        return sa.URL.create("sqlite+aiosqlite", database=config.sqlite_datasource)
    if config.db_driver != "postgres":
        raise ConfigError(f"driver {config.db_driver} is not supported")
    return sa.URL.create(
        "postgresql+asyncpg",
        username=config.pg_username or None,
        password=config.pg_password or None,
        host=host or config.pg_host,
        port=config.pg_port or None,
        database=config.pg_db_name,
        query=_driver_parameters(config.pg_params),
    )


def _driver_parameters(pg_params: str) -> dict[str, str]:
    """Translate libpq's parameters to the driver's; only `sslmode` has another name."""
    pairs = (item.partition("=") for item in pg_params.replace("&", " ").split())
    return {("ssl" if name == "sslmode" else name): value for name, _, value in pairs}
