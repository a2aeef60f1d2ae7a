"""The printed configuration: the Go service's document, ours after it, no secret."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from aggregator.config.loading import PREFIX
from tests.program import (
    CONFIG,
    GOLDEN,
    command,
    recorded,
)

SECRETS = {"PGPassword", "SaslPassword", "AWSSecretKey", "RedisPassword"}


def masked(section: Any) -> Any:
    """Return a printed section with the mask that we put over secrets."""
    if not isinstance(section, dict):
        return section
    return {
        key: "***" if key in SECRETS and section[key] else masked(section[key]) for key in section
    }


def printed_config(ended: subprocess.CompletedProcess[str]) -> tuple[str, Any]:
    """Return what precedes the printed configuration, and the configuration."""
    before, brace, document = ended.stdout.partition("{")
    return before, json.loads(brace + document)


def test_print_config_is_the_reference_s_with_our_keys_after_and_secrets_masked(
    tmp_path: Path,
) -> None:
    expected, status = recorded("print-config.txt")
    ended = command("print-config", folder=tmp_path)
    before, document = printed_config(ended)
    assert (before, ended.returncode, ended.stderr) == ("Clowder is disabled\n", status, "")
    theirs = masked(json.loads(expected.partition("\n")[2]))
    assert list(document) == list(theirs)
    for section in theirs:
        known = list(theirs[section])
        assert list(document[section])[: len(known)] == known
        assert {key: document[section][key] for key in known} == theirs[section]
    assert document["Broker"]["auto_offset_reset"] == "earliest"
    assert '\n    "Broker": {\n        "Addresses"' in ended.stdout
    assert "tshhhh" not in ended.stdout


def test_print_config_without_a_file_shows_defaults_that_start(tmp_path: Path) -> None:
    """The reference shows zero values here, with which it cannot start."""
    _, document = printed_config(command("print-config", folder=tmp_path, env={}))
    assert document["Server"]["Address"] == ":8080"
    assert document["OCPRecommendationsStorage"]["Driver"] == "sqlite3"
    assert document["StorageBackend"]["Use"] == "ocp_recommendations"


def test_print_config_masks_every_secret(tmp_path: Path) -> None:
    secrets = [
        "broker__sasl_password",
        "ocp_recommendations_storage__pg_password",
        "dvo_recommendations_storage__pg_password",
        "redis__password",
        "cloudwatch__aws_secret_key",
        "cloudwatch__aws_session_token",
        "sentry__dsn",
    ]
    env = {PREFIX + name.upper(): "hunter2" for name in secrets}
    env[f"{PREFIX}OCP_RECOMMENDATIONS_STORAGE__PG_PARAMS"] = "sslmode=disable&password=hunter2"
    for name in ("print-config", "print-env"):
        ended = command(name, folder=tmp_path, env=env)
        shown = (
            ended.stdout.replace("password=hunter2", "") if name == "print-env" else ended.stdout
        )
        assert "hunter2" not in shown
        assert ended.stdout.count("***") >= len(secrets)


def test_print_config_keeps_warnings_apart_from_its_document(tmp_path: Path) -> None:
    ended = command("print-config", folder=tmp_path, env={f"{PREFIX}BROKER__TOPIK": "t"})
    printed_config(ended)
    assert ended.stderr == "configuration: environment: unknown key 'broker.topik'\n"


def test_print_config_shows_what_clowder_changed(tmp_path: Path) -> None:
    env = {**CONFIG, "ACG_CONFIG": str(GOLDEN / "clowder_input.json"), "TMPDIR": str(tmp_path)}
    ended = command("print-config", folder=tmp_path, env=env)
    before, document = printed_config(ended)
    theirs = (GOLDEN / "print-config_clowder.txt").read_text(encoding="utf-8")
    said, brace, rest = theirs.partition("{")
    assert before == said
    expected = masked(json.loads(brace + rest))
    for section in expected:
        expected[section].pop("CertPath", None)
        assert {key: document[section][key] for key in expected[section]} == expected[section]
    assert Path(document["Broker"]["CertPath"]).read_text() == "-----CERT-----"


def test_print_config_yaml_names_the_origin_of_each_value_and_can_be_loaded(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text(
        '[broker]\naddress = "a:1,b:2"\nsasl_password = "hunter2"\ntimeout = "1m30s"\n'
        '[storage]\npg_host = "db"\n'
    )
    env = {f"{PREFIX}SERVER__ADDRESS": ":1234"}
    ended = command("print-config", "--yaml", folder=tmp_path, env=env)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "hunter2" not in ended.stdout
    lines = [line.strip() for line in ended.stdout.splitlines()]
    file = f"# file {tmp_path}/config.toml"
    for line in (
        f'addresses: ["a:1", "b:2"]  {file}',
        f'sasl_password: "***"  {file}',
        f'timeout: "90s"  {file}',
        f'address: ":1234"  # {PREFIX}SERVER__ADDRESS',
        'db_driver: "postgres"  # implied by other options',
        "batch_size: 500  # default",
    ):
        assert line in lines
    assert lines.count(f'pg_host: "db"  {file}') == 2
    (tmp_path / "config.toml").unlink()
    (tmp_path / "config.yaml").write_text(ended.stdout)
    again = command("print-config", "--yaml", folder=tmp_path, env={})
    assert [line.split("  #")[0] for line in again.stdout.splitlines()] == [
        line.split("  #")[0] for line in ended.stdout.splitlines()
    ]


def test_print_config_yaml_names_what_clowder_has_set(tmp_path: Path) -> None:
    env = {**CONFIG, "ACG_CONFIG": str(GOLDEN / "clowder_input.json"), "TMPDIR": str(tmp_path)}
    ended = command("print-config", "--json", folder=tmp_path, env=env)
    document = json.loads(ended.stdout)
    topic, group = document["broker"]["topic"], document["broker"]["group"]
    assert topic == {"value": "mapped-ccx", "origin": "Clowder"}
    assert group["origin"] == f"file {GOLDEN / 'config.toml'}"
    assert document["broker"]["batch_size"] == {"value": 500, "origin": "default"}
