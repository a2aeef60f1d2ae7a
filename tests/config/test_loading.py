"""Where options come from: files, the environment, names of 2020."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

from aggregator.config.loading import (
    FILE_VARIABLE,
    PREFIX,
    RETIRED,
    load,
)
from aggregator.config.options import Config
from aggregator.errors import ConfigError


def variable(key: str) -> str:
    """Return the environment variable of `section.key`."""
    return PREFIX + key.upper().replace(".", "__")


def from_text(folder: Path, text: str, *, name: str = "config.yaml", **environ: str) -> Config:
    """Return the configuration of a folder with this file in it."""
    (folder / name).write_text(text, encoding="utf-8")
    return load(environ, folder)


def test_an_empty_configuration_starts_with_sqlite_and_without_a_broker(tmp_path: Path) -> None:
    config = load({}, tmp_path)
    assert dataclasses.replace(config, notices=()) == Config()
    assert config.ocp_recommendations_storage.sqlite_datasource == ":memory:"
    assert not config.broker.enabled


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.yaml", "broker: {topic: t, enabled: true}\nserver:\n"),
        ("config.yml", "broker:\n  topic: t\n  enabled: yes\n  cert_path:\n"),
        ("config.toml", '[broker]\ntopic = "t"\nenabled = true\n'),
        ("config.json", '{"broker": {"topic": "t", "enabled": true}}'),
    ],
)
def test_a_file_in_the_working_directory_is_read_by_its_extension(
    tmp_path: Path, name: str, text: str
) -> None:
    config = from_text(tmp_path, text, name=name)
    assert (config.broker.topic, config.broker.enabled) == ("t", True)
    assert (config.broker.cert_path, config.warnings) == ("", ())


@pytest.mark.parametrize(
    "named", ["mine.toml", "./mine.toml", "mine", "mine.yaml", "{folder}/mine"]
)
def test_a_named_file_is_found_whatever_its_extension(tmp_path: Path, named: str) -> None:
    (tmp_path / "mine.toml").write_text('[broker]\ntopic = "named"\n')
    (tmp_path / "config.toml").write_text('[broker]\ntopic = "other"\n')
    config = load({FILE_VARIABLE: named.format(folder=tmp_path)}, tmp_path)
    assert config.broker.topic == "named"


def test_the_exact_file_comes_before_other_extensions(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("broker: {topic: yaml}")
    (tmp_path / "mine.toml").write_text('[broker]\ntopic = "toml"\n')
    assert load({FILE_VARIABLE: "mine.toml"}, tmp_path).broker.topic == "toml"


@pytest.mark.parametrize("named", ["", "absent.toml", "."])
def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path, named: str) -> None:
    (tmp_path / "config.yaml").write_text("broker: {topic: t}")
    with pytest.raises(ConfigError, match=f"{FILE_VARIABLE}: there is no file '{named}'"):
        load({FILE_VARIABLE: named}, tmp_path)


def test_the_environment_wins_over_the_file_but_an_empty_value_does_not(tmp_path: Path) -> None:
    config = from_text(
        tmp_path,
        "broker: {topic: file, group: file}",
        **{variable("broker.topic"): "environment", variable("broker.group"): ""},
    )
    assert (config.broker.topic, config.broker.group) == ("environment", "file")


def test_variables_with_other_prefixes_or_in_lower_case_mean_nothing(tmp_path: Path) -> None:
    environ = {
        "INSIGHTS_RESULTS_AGGREGATOR_BROKER__TOPIC": "t",
        variable("broker.topic").lower(): "t",
        f"{PREFIX}broker__topic": "t",
        f"{PREFIX}TESTS_DB": "postgres",
    }
    config = load(environ, tmp_path)
    assert config.broker == Config().broker
    assert config.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "broker: topic",
        "broker: [1, 2]",
        "- broker",
        "just a text",
        "broker: {enabled: [true]}",
        "broker: {topic: {a: 1}}",
        "broker: {batch_size: 1.5}",
        "broker: {topic: 'x'",
        "broker: {addresses: [[a]]}",
        "broker:\n\ttopic: x",
    ],
)
def test_a_file_of_another_form_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^[^\n]+$"):
        from_text(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.toml", "[redis]\npassword = hunter2\n"),
        ("config.json", '{"redis": {"password": "hunter2" }'),
        ("config.yaml", 'redis: {password: "hunter2}'),
        ("config.yaml", "redis: {password: *hunter2}"),
        ("config.yaml", "redis: {password: [hunter2]}"),
        ("config.yaml", "redis: hunter2"),
        ("config.toml", "[ocp_recommendations_storage]\npg_password = ['hunter2']\n"),
        ("config.yaml", "redis: {endpoint: 'user:hunter2@redis:6379'}"),
        ("config.yaml", "broker: {addresses: 'sasl://u:hunter2@kafka:9092'}"),
        ("config.yaml", "broker: {topic: {password: hunter2}}"),
        ("config.yaml", "server: {address: 'password=hunter2'}"),
    ],
)
def test_no_mistake_shows_a_secret(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_text(tmp_path, text, name=name)
    assert "hunter2" not in str(caught.value)


def test_unknown_names_are_warned_of_and_ignored(tmp_path: Path) -> None:
    config = from_text(
        tmp_path,
        "brokre: {topic: t}\nbroker: {topik: t}\ncontent: {path: /x}\n",
        **{variable("server.adress"): ":1"},
    )
    assert [warning.partition(": ")[2] for warning in config.warnings] == [
        "unknown section 'brokre'",
        "unknown key 'broker.topik'",
        "unknown key 'server.adress'",
    ]
    assert config.broker == Config().broker


def test_a_retired_key_is_reported_once_with_the_reason(tmp_path: Path) -> None:
    config = from_text(
        tmp_path,
        """
[broker]
save_offset = true
[content]
path = "/rules"
[metrics]
enabled = true
[processing]
org_filter = "org.csv"
[storage]
driver = "sqlite3"
datasource = "./test.db"
[cloudwatch]
create_stream_if_not_exists = true
""",
        name="config.toml",
    )
    assert config.warnings == ()
    told = [line.partition(": ")[2] for line in config.retired]
    assert sorted(told) == sorted(
        f"'{name}' is retired: {RETIRED[name]}"
        for name in (
            "content",
            "broker.save_offset",
            "metrics.enabled",
            "processing.org_filter",
            "storage.driver",
            "storage.datasource",
            "cloudwatch.create_stream_if_not_exists",
        )
    )


def test_an_unknown_key_is_reported_once_where_it_counts_for_both_storages(tmp_path: Path) -> None:
    config = from_text(tmp_path, "storage: {pg_hots: a, pg_host: b}\nserver: {prot: 1}\n")
    assert [line.partition(": ")[2] for line in config.warnings] == [
        "unknown key 'storage.pg_hots'",
        "unknown key 'server.prot'",
    ]
    assert config.dvo_recommendations_storage.pg_host == "b"


@pytest.mark.parametrize("level", ["trace", "loud"])
def test_a_log_level_that_nobody_knows_is_reported_and_means_debug(
    tmp_path: Path, level: str
) -> None:
    (warning,) = load({variable("logging.log_level"): level}, tmp_path).warnings
    assert warning.startswith("logging.log_level: debug, info, warn, warning, error or fatal")
    assert repr(level) in warning


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "broker: {1: 2}", "? [a]\n: b"])
def test_no_file_ends_in_a_traceback(tmp_path: Path, text: str) -> None:
    for name in ("config.json", "config.toml", "config.yaml"):
        (tmp_path / name).write_text(text)
        with contextlib.suppress(ConfigError):
            load({FILE_VARIABLE: name}, tmp_path)


@pytest.mark.parametrize("named", ["/", "..", "a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path, named: str) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        load({FILE_VARIABLE: named}, tmp_path)


def test_the_names_of_2020_are_understood(tmp_path: Path) -> None:
    config = from_text(
        tmp_path,
        """
[broker]
address = "old:9092"
enable_org_whitelist = true
[processing]
org_whitelist_file = "white.csv"
[storage]
db_driver = "sqlite3"
sqlite_datasource = "./old.db"
log_sql_queries = true
[cloudwatch]
create_stream_if_not_exists = true
""",
        name="config.toml",
    )
    assert config.broker.addresses == ("old:9092",)
    assert config.broker.enable_org_allowlist
    assert config.processing.org_allowlist_file == "white.csv"
    for storage in (config.ocp_recommendations_storage, config.dvo_recommendations_storage):
        assert (storage.sqlite_datasource, storage.log_sql_queries) == ("./old.db", True)
    assert config.warnings == ()


def test_the_names_of_2020_are_understood_in_the_environment(tmp_path: Path) -> None:
    environ = {
        variable("broker.enable_org_whitelist"): "1",
        variable("storage.pg_host"): "old",
        variable("processing.org_whitelist_file"): "white.csv",
    }
    config = load(environ, tmp_path)
    assert config.broker.enable_org_allowlist
    assert config.processing.org_allowlist_file == "white.csv"
    assert config.ocp_recommendations_storage.pg_host == "old"
    assert config.dvo_recommendations_storage.db_driver == "postgres"


@pytest.mark.parametrize(
    "text",
    [
        "broker: {addresses: new, address: old}\n"
        "ocp_recommendations_storage: {pg_host: new}\nstorage: {pg_host: old, pg_port: 1}",
        "broker: {address: old, addresses: new}\n"
        "storage: {pg_host: old, pg_port: 1}\nocp_recommendations_storage: {pg_host: new}",
    ],
)
def test_the_names_of_today_win_over_those_of_2020(tmp_path: Path, text: str) -> None:
    config = from_text(tmp_path, text)
    assert config.broker.addresses == ("new",)
    ocp, dvo = config.ocp_recommendations_storage, config.dvo_recommendations_storage
    assert (ocp.pg_host, ocp.pg_port) == ("new", 1)
    assert (dvo.pg_host, dvo.pg_port) == ("old", 1)


def test_who_names_one_storage_has_no_other_one(tmp_path: Path) -> None:
    config = load({variable("ocp_recommendations_storage.pg_host"): "database"}, tmp_path)
    assert config.ocp_recommendations_storage.db_driver == "postgres"
    assert config.ocp_recommendations_storage.type == "sql"
    assert config.dvo_recommendations_storage.type == ""


def test_a_driver_that_is_named_stays(tmp_path: Path) -> None:
    config = from_text(
        tmp_path,
        "ocp_recommendations_storage: {db_driver: sqlite3}",
        **{variable("ocp_recommendations_storage.pg_host"): "database"},
    )
    assert config.ocp_recommendations_storage.db_driver == "sqlite3"


def test_the_former_names_of_the_dead_letter_limits_still_work(tmp_path: Path) -> None:
    environ = {
        variable("broker.refused_limit_share"): "0.25",
        variable("broker.refused_limit_run"): "7",
    }
    config = load(environ, tmp_path)
    assert config.broker.dead_letter_max_ratio == 0.25
    assert config.broker.dead_letter_max_consecutive == 7
    assert config.warnings == ()
