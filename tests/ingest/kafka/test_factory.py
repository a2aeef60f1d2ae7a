"""Configuration of the brokers to settings of aiokafka's clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from aggregator.config.options import BrokerConfig
from aggregator.errors import ConfigError
from aggregator.ingest.kafka.errors import is_fatal, reason
from aggregator.ingest.kafka.factory import connection, consumer, producer


def settings(**values: Any) -> dict[str, Any]:
    return connection(BrokerConfig(**values))


def test_all_addresses_are_used() -> None:
    assert settings(addresses=("a:9092", "b:9092"))["bootstrap_servers"] == ["a:9092", "b:9092"]


def test_without_a_protocol_nothing_is_encrypted_and_nobody_logs_in() -> None:
    plain = settings()
    assert plain["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_mechanism", "client_id"} & plain.keys()


@pytest.mark.parametrize("protocol", ["SSL", "ssl", "SASL_SSL", "sasl_ssl"])
def test_tls_trusts_the_system_when_no_certificate_is_named(protocol: str) -> None:
    context = settings(security_protocol=protocol)["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    # Python 3.13 would refuse authorities that earlier ones, and Go, accept
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_a_named_certificate_is_read_under_sasl_too(protocol: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"broker\.cert_path"):
        settings(security_protocol=protocol, cert_path=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    ("configured", "used"),
    [("", "PLAIN"), ("scram-sha-256", "SCRAM-SHA-256"), ("SCRAM-SHA-512", "SCRAM-SHA-512")],
)
def test_sasl_logs_in_with_the_mechanism(configured: str, used: str) -> None:
    login = settings(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=configured,
        sasl_username="ann",
        sasl_password="p%@: ",
    )
    assert login["sasl_mechanism"] == used
    assert (login["sasl_plain_username"], login["sasl_plain_password"]) == ("ann", "p%@: ")
    assert "ssl_context" not in login


def test_the_timeout_is_that_of_the_configuration_or_30_seconds() -> None:
    assert settings(timeout=2.5)["request_timeout_ms"] == 2500
    assert settings()["request_timeout_ms"] == 30_000


async def test_clients_take_the_settings() -> None:
    broker = BrokerConfig(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="ann",
        sasl_password="secret",
        client_id="golden",
        group_instance_id="pod-1",
    )
    clients = (consumer(broker), producer(broker))
    for client in clients:
        await client.stop()


def test_only_mistakes_and_damaged_bytes_are_not_waited_for() -> None:
    known = {error for error in vars(errors).values() if isinstance(error, type)}
    fatal = {error for error in known if issubclass(error, KafkaError) and is_fatal(error())}
    assert fatal == {
        errors.IllegalStateError,
        errors.IllegalArgumentError,
        errors.KafkaConfigurationError,
        errors.CorruptRecordException,
        errors.InvalidMessageError,
    }


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.TopicAuthorizationFailedError("results"), "results (an ACL is missing"),
        (errors.GroupAuthorizationFailedError("group"), "group (an ACL is missing"),
        (errors.for_code(82)(), "FencedInstanceId (another process uses the same"),
        (KafkaError("FencedInstanceId()"), "(another process uses the same"),
        (errors.for_code(87)(), "InvalidRecord (is the topic compacted?"),
        (KafkaConnectionError("two\nlines"), "two lines"),
        (KafkaTimeoutError(), "KafkaTimeoutError"),
    ],
)
def test_a_reason_names_what_happened_and_what_to_look_at(error: KafkaError, told: str) -> None:
    assert told in reason(error)
    assert "\n" not in reason(error)
