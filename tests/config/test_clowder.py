"""What is taken from Clowder, and what is said about it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aggregator.config.loading import load
from aggregator.errors import ConfigError

CLOWDER = Path(__file__).parents[1] / "golden" / "cli" / "clowder_input.json"
HOST = "INSIGHTS_RESULTS_AGGREGATOR__OCP_RECOMMENDATIONS_STORAGE__PG_HOST"


def test_clowder_wins_over_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("broker: {addresses: mine, payload_tracker_topic: platform.payload-status}")
    config = load({"ACG_CONFIG": str(CLOWDER), HOST: "mine"}, tmp_path)
    assert config.broker.addresses == ("kafka-a:9092", "kafka-b:9093")
    assert (config.broker.sasl_username, config.broker.sasl_password) == ("ku", "kp")
    assert config.broker.sasl_mechanism == "SCRAM-SHA-512"
    assert config.broker.security_protocol == "SASL_SSL"
    certificate = Path(config.broker.cert_path)
    assert certificate.read_text() == "-----CERT-----"
    certificate.unlink()
    assert config.broker.topic == "mapped-ccx"
    assert config.broker.payload_tracker_topic == "mapped-pt"
    for storage in (config.ocp_recommendations_storage, config.dvo_recommendations_storage):
        assert (storage.db_driver, storage.pg_host, storage.pg_port) == ("postgres", "chost", 15432)
        assert (storage.pg_db_name, storage.pg_username, storage.pg_password) == ("cdb", "cu", "cp")
    assert (config.redis.endpoint, config.redis.username) == ("credis:6380", "ru")
    assert config.redis.password == "rp"


def test_what_clowder_lacks_is_said(tmp_path: Path) -> None:
    file = tmp_path / "clowder.json"
    file.write_text("{}")
    assert load({"ACG_CONFIG": str(file)}, tmp_path).notices == (
        "Clowder is enabled\n",
        "No Kafka configuration available in Clowder, using default one\n",
        "warning: no storage section in Clowder config\n",
        "warning: no in-memory database section in Clowder config\n",
    )
    file.write_text('{"kafka": {"brokers": [], "topics": []}}')
    notices = load({"ACG_CONFIG": str(file)}, tmp_path).notices
    assert "warning: no broker configurations found in clowder config\n" in notices
    file.write_text('{"kafka": {"brokers": [{"hostname": "k", "authtype": "sasl"}]}}')
    config = load({"ACG_CONFIG": str(file)}, tmp_path)
    assert config.broker.addresses == ("k",)
    assert "warning: SASL configuration is missing\n" in config.notices


def test_the_certificate_is_kept_in_memory_where_no_folder_is_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    path = Path(load({"ACG_CONFIG": str(CLOWDER)}, tmp_path).broker.cert_path)
    assert path.read_text() == "-----CERT-----"
    os.close(int(path.name))


@pytest.mark.parametrize("text", [None, "", "[]", "{", '{"kafka": 1}', '{"database": {}}'])
def test_a_clowder_file_that_cannot_be_used_is_an_error(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "clowder.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=r"^ACG_CONFIG: [^\n]+$"):
        load({"ACG_CONFIG": str(file)}, tmp_path)


@pytest.mark.parametrize(("given", "expected"), [({}, False), ({"sslMode": True}, True)])
def test_redis_speaks_tls_where_clowder_says_so(
    tmp_path: Path, given: dict[str, bool], expected: bool
) -> None:
    file = tmp_path / "clowder.json"
    file.write_text(json.dumps({"inMemoryDb": {"hostname": "h", "port": 6379, **given}}))
    assert load({"ACG_CONFIG": str(file)}, tmp_path).redis.tls is expected
