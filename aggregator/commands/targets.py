"""Targets of commands: which broker, topics and database one is about to use, in one line."""

from __future__ import annotations

from ..config.options import BrokerConfig, Config, StorageConfig
from ..errors import ConfigError
from . import terminal

STORAGES = {
    "ocp_recommendations": "ocp_recommendations_storage",
    "dvo_recommendations": "dvo_recommendations_storage",
}


def name_broker(broker: BrokerConfig, **used: str) -> None:
    """Print the addresses of the brokers and what is used there (topic, group) to stderr."""
    shown = [f"{name.replace('_', ' ')} {text}" for name, text in used.items() if text]
    terminal.say(", ".join([f"broker {','.join(broker.addresses)}", *shown]))


def name_databases(config: Config, *storages: str) -> None:
    """Print where the databases of these storages are to stderr, without passwords."""
    for place in dict.fromkeys(place_of(getattr(config, STORAGES[name])) for name in storages):
        terminal.say(f"database {place}")


def place_of(section: StorageConfig) -> str:
    """Return where a SQL storage is: `NAME at HOST:PORT as USER`, or the SQLite file."""
    # commands that use Kafka alone need not load SQLAlchemy
    from ..config import pg_params
    from ..db.server import hosts
    from ..db.sqlite import SqlitePlace

    if section.db_driver == "sqlite3":
        return f"{SqlitePlace(section.sqlite_datasource).source} (SQLite)"
    try:
        given = pg_params.parse(section.pg_params)
        servers = ",".join(f"{host.name}:{host.port}" for host in hosts(section, given))
    except ConfigError:
        # the command reports it when it connects
        given, servers = {}, f"{section.pg_host}:{section.pg_port}"
    name = given.get("dbname") or section.pg_db_name
    user = given.get("user") or section.pg_username
    return f"{name or '(default)'} at {servers}" + (f" as {user}" if user else "")
