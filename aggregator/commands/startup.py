"""Start-up log lines: what the service serves, stores and consumes, one line each."""

from __future__ import annotations

import logging

from ..config.options import Config, StorageConfig
from ..db.url import describe
from ..ingest.consumers import sources
from ..service import Service

log = logging.getLogger(__name__)


def announce(config: Config, service: Service, workers: int) -> None:
    """Log address, configuration, storages with schema versions, broker, topics, workers."""
    host = config.server.address.rpartition(":")[0]
    log.info("configuration: %s", _configuration(config))
    log.info("serving %s:%d, prefix %s", host, service.port, config.server.api_prefix)
    for name, section in (
        ("OCP", config.ocp_recommendations_storage),
        ("DVO", config.dvo_recommendations_storage),
    ):
        version = service.info[f"{name}_DB_version"]
        log.info("%s storage: %s", name, _storage(config, section, version))
    if config.broker.enabled:
        addresses = ",".join(config.broker.addresses)
        for topic, group in sources(config):
            log.info("consuming topic %s in group %s from %s", topic, group, addresses)
        dead, tracker = config.broker.dead_letter_queue_topic, config.broker.payload_tracker_topic
        log.info("dead letters to %s, payload tracker to %s", dead or "none", tracker or "none")
    else:
        log.info("not consuming: broker.enabled is false")
    log.info("workers: %d", workers)


def _configuration(config: Config) -> str:
    origins = {origin for _, origin in config.origins}
    files = sorted(origin for origin in origins if origin.startswith("file "))
    clowder = "Clowder" in origins
    variables = len(origins) - len(files) - clowder
    parts = [*files, f"{variables} environment variables" if variables else ""]
    return ", ".join(filter(None, [*parts, "Clowder" if clowder else ""])) or "defaults"


def _storage(config: Config, section: StorageConfig, version: str) -> str:
    if section.type == "redis":
        return f"Redis {config.redis.endpoint}, database {config.redis.database}"
    if section.type != "sql":
        return "none"
    return f"{describe(section)}, schema version {version}"
