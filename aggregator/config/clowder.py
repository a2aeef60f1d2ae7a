"""Applies Clowder's configuration (`ACG_CONFIG`) over the others (contract config-cli 3)."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .options import Config, with_values

TOPICS = ("topic", "dead_letter_queue_topic", "payload_tracker_topic")


def apply(config: Config, path: str | None) -> Config:
    """Return the configuration with Clowder's values and the notices of the Go service."""
    if path is None:
        return replace(config, notices=("Clowder is disabled\n",))
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"ACG_CONFIG: cannot read '{path}': {error}") from error
    notices = ["Clowder is enabled\n"]
    try:
        config = _kafka(config, document.get("kafka"), notices)
        config = _database(config, document.get("database"), notices)
        config = _redis(config, document.get("inMemoryDb"), notices)
    except (LookupError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"ACG_CONFIG: '{path}' does not have the expected form: {error!r}"
        ) from error
    return replace(config, notices=tuple(notices))


def _kafka(config: Config, kafka: Any, notices: list[str]) -> Config:
    if kafka is None:
        notices.append("No Kafka configuration available in Clowder, using default one\n")
        return config
    brokers = kafka.get("brokers") or []
    if not brokers:
        notices.append("warning: no broker configurations found in clowder config\n")
    else:
        values = {"addresses": ",".join(_address(broker) for broker in brokers)}
        values |= _login(brokers[0], notices)
        config = with_values(config, "broker", values)
    return _topics(config, kafka.get("topics") or [], notices)


def _address(broker: dict[str, Any]) -> str:
    port = broker.get("port")
    return f"{broker['hostname']}:{port}" if port else str(broker["hostname"])


def _login(broker: dict[str, Any], notices: list[str]) -> dict[str, Any]:
    if not broker.get("authtype"):
        return _authority(broker)
    notices.append("kafka is configured to use authentication\n")
    sasl = broker.get("sasl")
    if not sasl:
        notices.append("warning: SASL configuration is missing\n")
        return {}
    protocol = broker.get("securityProtocol") or sasl.get("securityProtocol") or ""
    return {
        "sasl_username": sasl.get("username", ""),
        "sasl_password": sasl.get("password", ""),
        "sasl_mechanism": sasl.get("saslMechanism", ""),
        "security_protocol": protocol,
        **_authority(broker),
    }


def _authority(broker: dict[str, Any]) -> dict[str, Any]:
    """Write the broker's CA certificate to a file and return its option."""
    if not broker.get("cacert"):
        return {}
    certificate = str(broker["cacert"])
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
            file.write(certificate)
    except OSError:
        # no folder is writable: keep it in memory, readable by this process only
        return {"cert_path": _in_memory(certificate)}
    return {"cert_path": file.name}


def _in_memory(text: str) -> str:
    """Return the path of an in-memory file that lives as long as this process."""
    fd = os.memfd_create("cacert")
    os.write(fd, text.encode())
    return f"/proc/self/fd/{fd}"


def _topics(config: Config, topics: list[dict[str, Any]], notices: list[str]) -> Config:
    names = {topic["requestedName"]: topic["name"] for topic in topics}
    values = {}
    for option in TOPICS:
        asked = getattr(config.broker, option)
        if asked in names:
            values[option] = names[asked]
        elif asked:
            notices.append(f"warning: no kafka mapping found for topic {asked}")
    if config.broker.dvo_topic in names:
        values["dvo_topic"] = names[config.broker.dvo_topic]
    return with_values(config, "broker", values)


def _database(config: Config, database: Any, notices: list[str]) -> Config:
    if database is None:
        notices.append("warning: no storage section in Clowder config\n")
        return config
    values = {
        "db_driver": "postgres",
        "pg_db_name": database["name"],
        "pg_host": database["hostname"],
        "pg_port": database["port"],
        "pg_username": database["username"],
        "pg_password": database["password"],
    }
    config = with_values(config, "ocp_recommendations_storage", values)
    return with_values(config, "dvo_recommendations_storage", values)


def _redis(config: Config, redis: Any, notices: list[str]) -> Config:
    if redis is None:
        notices.append("warning: no in-memory database section in Clowder config\n")
        return config
    values: dict[str, Any] = {"endpoint": f"{redis['hostname']}:{redis['port']}"}
    values |= {key: redis[key] for key in ("username", "password") if redis.get(key)}
    if redis.get("sslMode"):
        values["tls"] = True
    return with_values(config, "redis", values)
