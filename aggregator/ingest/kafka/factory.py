"""Builds the aiokafka clients from the configuration."""

from __future__ import annotations

import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from ...config.options import BrokerConfig
from ...errors import UnusableFile
from .clients import Admin, Consumer, Producer

MIB = 1024 * 1024
DEFAULT_TIMEOUT = 30.0

# Bounds the fetched records in memory; a larger message is still fetched, alone.
FETCH: dict[str, Any] = {
    "max_partition_fetch_bytes": 8 * MIB,
    "fetch_max_bytes": 8 * MIB,
    "fetch_max_wait_ms": 500,
}
GROUP: dict[str, Any] = {
    "enable_auto_commit": False,
    "heartbeat_interval_ms": 3_000,
    "rebalance_timeout_ms": 60_000,
    "max_poll_interval_ms": 600_000,
    "partition_assignment_strategy": (RangePartitionAssignor,),
}
# a dead letter may be larger than the default limit (departure 10)
LARGEST_REQUEST = 1024 * MIB
BATCH = 256 * 1024


def consumer(broker: BrokerConfig) -> AIOKafkaConsumer:
    """Return a consumer of the group for the topic, not connected; call it in the event loop."""
    return Consumer(
        topic=broker.topic,
        group_id=broker.group,
        group_instance_id=broker.group_instance_id or None,
        auto_offset_reset=broker.auto_offset_reset,
        isolation_level=broker.isolation_level,
        session_timeout_ms=round(broker.session_timeout * 1000),
        **GROUP,
        **FETCH,
        **connection(broker),
    )


def reader(broker: BrokerConfig) -> AIOKafkaConsumer:
    """Return a consumer without a group: it reads assigned partitions and commits nothing."""
    return Consumer(
        enable_auto_commit=False,
        isolation_level=broker.isolation_level,
        **FETCH,
        **connection(broker),
    )


def producer(broker: BrokerConfig) -> AIOKafkaProducer:
    """Return a producer whose messages are acknowledged by all replicas in sync."""
    return Producer(
        acks="all",
        max_request_size=LARGEST_REQUEST,
        max_batch_size=BATCH,
        **connection(broker),
    )


def admin(broker: BrokerConfig) -> AIOKafkaAdminClient:
    """Return a client for queries about topics and groups."""
    return Admin(**connection(broker))


def connection(broker: BrokerConfig) -> dict[str, Any]:
    """Return the settings that all clients of the brokers share."""
    protocol = (broker.security_protocol or "PLAINTEXT").upper()
    settings: dict[str, Any] = {
        "bootstrap_servers": list(broker.addresses),
        "security_protocol": protocol,
        "request_timeout_ms": round((broker.timeout or DEFAULT_TIMEOUT) * 1000),
        # so that new topics and partitions are found soon
        "metadata_max_age_ms": 10_000,
    }
    if broker.client_id:
        settings["client_id"] = broker.client_id
    if protocol.endswith("SSL"):
        settings["ssl_context"] = _authorities(broker.cert_path)
    if protocol.startswith("SASL"):
        settings |= _login(broker)
    return settings


def _authorities(cert_path: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=cert_path or None)
    except (OSError, ssl.SSLError) as error:
        raise UnusableFile(f"broker.cert_path: {cert_path!r} cannot be used: {error}") from error
    # Chain, dates and host name are verified. Python 3.13 also requires extensions such as a key
    # usage of the authority, which private authorities often lack and the Go service does not need.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _login(broker: BrokerConfig) -> dict[str, Any]:
    return {
        "sasl_mechanism": (broker.sasl_mechanism or "PLAIN").upper(),
        "sasl_plain_username": broker.sasl_username,
        "sasl_plain_password": broker.sasl_password,
    }
