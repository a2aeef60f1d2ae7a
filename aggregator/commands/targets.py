"""Targets of commands: which broker, topics and database one is about to use, in one line."""

from __future__ import annotations

from ..config.options import BrokerConfig, Config
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
    # commands that use Kafka alone need not load SQLAlchemy
    from ..db.url import describe

    for place in dict.fromkeys(describe(getattr(config, STORAGES[name])) for name in storages):
        terminal.say(f"database {place}")
