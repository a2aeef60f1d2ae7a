"""Which options there are, what they may be, and how mistakes are told."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.allowlist import read_allowlist
from aggregator.config.loading import PREFIX, load
from aggregator.config.options import (
    SECRETS,
    Config,
    check_together,
    reported_later,
    section_names,
    with_values,
)
from aggregator.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "str": ("text", "text"),
    "int": ("7", 7),
    "float": ("0.25", 0.25),
    "bool": ("true", True),
    "Duration": ("1m30s", 90.0),
    "Seconds": ("7500ms", 7.5),
    "tuple[str, ...]": ("one, two", ("one", "two")),
}
# where not every text will do
SPECIAL = {
    "server.address": "localhost:80",
    "server.api_prefix": "/v9/",
    "server.organization_check": "legacy",
    "broker.auto_offset_reset": "latest",
    "broker.isolation_level": "read_committed",
    "broker.security_protocol": "SASL_SSL",
    "broker.sasl_mechanism": "SCRAM-SHA-512",
    "server.auth_type": "jwt",
    "logging.log_level": "warn",
    "processing.schema": "strict",
    "tracing.endpoint": "http://collector:4318",
    "redis.endpoint": "redis:6379",
    "ocp_recommendations_storage.db_driver": "postgres",
    "dvo_recommendations_storage.db_driver": "postgres",
}


def options() -> list[tuple[str, str, str]]:
    """Return section, key and type of every option."""
    config = Config()
    return [
        (section, one.name, str(one.type))
        for section in section_names()
        for one in dataclasses.fields(getattr(config, section))
    ]


def variable(key: str) -> str:
    """Return the environment variable of `section.key`."""
    return PREFIX + key.upper().replace(".", "__")


@pytest.mark.parametrize(("section", "key", "kind"), options(), ids=lambda value: str(value))
def test_every_option_can_be_set_by_its_variable(
    tmp_path: Path, section: str, key: str, kind: str
) -> None:
    text, expected = EXAMPLES[kind]
    if special := SPECIAL.get(f"{section}.{key}"):
        text, expected = special, special
    elif f"{section}.{key}" == "server.jwt_algorithms":
        text, expected = "RS512, ES256", ("RS512", "ES256")
    config = load({variable(f"{section}.{key}"): text}, tmp_path)
    assert getattr(getattr(config, section), key) == expected
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("broker.enabled", "maybe", "true or false expected, not 'maybe'"),
        ("server.workers", "many", "a whole number expected, not 'many'"),
        ("server.workers", "1025", "0 to 1024 expected, not '1025'"),
        ("broker.dead_letter_max_ratio", "2", "0 to 1 expected, not '2'"),
        ("broker.dead_letter_max_ratio", "nan", "0 to 1 expected, not 'nan'"),
        ("broker.dead_letter_max_consecutive", "-1", "at least 0 expected, not '-1'"),
        ("broker.timeout", "soon", "a duration (30s) expected, not 'soon'"),
        ("broker.auto_offset_reset", "first", "earliest or latest expected, not 'first'"),
        ("server.api_prefix", "/api/v1", "must begin and end with '/', not '/api/v1'"),
        ("server.api_prefix", "api/", "must begin and end with '/', not 'api/'"),
        ("server.address", "8080", "host:port or :port expected, not '8080'"),
        ("ocp_recommendations_storage.db_driver", "mysql", "sqlite3 or postgres expected"),
        ("server.auth_type", "basic", "xrh or jwt expected, not 'basic'"),
        ("server.auth_type", "XRH", "xrh or jwt expected, not 'XRH'"),
        ("server.organization_check", "lax", "strict or legacy expected, not 'lax'"),
        ("server.jwt_algorithms", "RS256, none", "EdDSA, HS256, HS384 or HS512 expected"),
        ("server.api_prefix", "/api v1/", "without special characters expected"),
        ("server.api_prefix", "/api/{org}/", "without special characters expected"),
        ("server.api_prefix", "/api//v1/", "without special characters expected"),
        ("server.address", ":", "host:port or :port expected, not ':'"),
        ("server.address", ":65536", "host:port or :port expected"),
        ("server.address", ":\u0663", "host:port or :port expected"),
        ("server.address", "a b:80", "host:port or :port expected"),
        ("server.address", "a..b:80", "host:port or :port expected"),
        ("server.request_timeout", "0", "0.001 to 3600 expected, not '0'"),
        ("server.request_timeout", "1e400", "0.001 to 3600 expected"),
        ("server.org_overview_limit_hours", "9007199254740992", "0 to 10000000 expected"),
        ("server.maximum_body_size", "0", "1 to 1073741824 expected"),
        ("server.maximum_body_size", "9" * 5000, "a whole number expected"),
        ("server.maximum_body_size", "1_000", "a whole number expected, not '1_000'"),
        ("server.maximum_body_size", "\u0661", "a whole number expected"),
        ("broker.addresses", "kafka:9092,kafka:port", "host:port expected"),
        ("broker.addresses", "kafka:0", "host:port expected, not 'kafka:0'"),
        ("broker.addresses", "https://kafka:9092", "host:port expected"),
        ("broker.security_protocol", "TLS", "SASL_PLAINTEXT or SASL_SSL expected, not 'TLS'"),
        ("broker.sasl_mechanism", "GSSAPI", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 expected"),
        ("broker.topic", "a topic", "'.', '_' and '-' expected, not 'a topic'"),
        ("broker.dead_letter_queue_topic", "x" * 250, "up to 249 letters"),
        ("broker.session_timeout", "1", "6 to 1800 expected, not '1'"),
        ("broker.timeout", "1000h", "0 to 86400 expected, not '1000h'"),
        ("broker.group", "\udcff", "text in UTF-8 expected"),
        ("processing.schema", "lax", "default or strict expected, not 'lax'"),
        ("redis.endpoint", "localhost", "host:port expected, not 'localhost'"),
        ("redis.endpoint", ":6379", "host:port expected"),
        ("redis.database", "16", "0 to 15 expected, not '16'"),
        ("metrics.namespace", "my-service", "letters, digits, '_' and ':' expected"),
        ("ocp_recommendations_storage.pg_port", "65536", "0 to 65535 expected"),
        ("dvo_recommendations_storage.pg_pool_size", "0", "1 to 1000 expected"),
    ],
)
def test_a_wrong_value_is_told_in_one_line_that_names_the_key(
    tmp_path: Path, key: str, value: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({variable(key): value}, tmp_path)
    told = str(caught.value)
    assert told.startswith(f"{key}: ")
    assert words in told
    assert "\n" not in told


@pytest.mark.parametrize(("section", "key", "kind"), options(), ids=lambda value: str(value))
def test_text_with_a_nul_byte_is_refused(section: str, key: str, kind: str) -> None:
    """A file can hold one; later it would end in a traceback of the operating system's calls."""
    if kind not in ("str", "tuple[str, ...]"):
        pytest.skip("not a text")
    try:
        (told,) = reported_later(with_values(Config(), section, {key: "a\0b"}))
    except ConfigError as error:
        told = str(error)
    assert re.match(rf"^{section}\.{key}: [^\n]*expected", told)


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("server", {"auth": True, "auth_type": ""}, "server.auth_type: xrh or jwt expected"),
        ("broker", {"enabled": True, "addresses": ""}, "broker.addresses: must not be empty"),
        ("broker", {"enabled": True, "topic": ""}, "broker.topic: must not be empty"),
        ("broker", {"enabled": True, "group": ""}, "broker.group: must not be empty"),
        ("ocp_recommendations_storage", {"sqlite_datasource": ""}, "a file or :memory: expected"),
    ],
)
def test_options_that_depend_on_others_are_checked_together(
    section: str, values: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_together(with_values(Config(), section, values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"endpoint": ""}, "redis.endpoint: host:port expected, not ''"),
        ({"cert_path": "/ca.pem"}, "redis.tls: true expected with certificates"),
        ({"client_key_path": "/key.pem"}, "redis.tls: true expected with certificates"),
    ],
)
def test_redis_options_are_checked_where_redis_is_the_storage(
    values: dict[str, object], words: str
) -> None:
    config = with_values(Config(), "redis", values)
    check_together(config)
    with pytest.raises(ConfigError, match=words):
        check_together(with_values(config, "ocp_recommendations_storage", {"type": "redis"}))


def test_an_empty_value_of_the_go_service_that_is_not_needed_is_accepted() -> None:
    config = with_values(Config(), "server", {"auth_type": ""})
    config = with_values(config, "broker", {"addresses": "", "topic": "", "security_protocol": ""})
    check_together(config)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("storage_backend.use", "ocp"),
        ("storage_backend.use", "ocp_recommendations,dvo"),
        ("ocp_recommendations_storage.type", "sqlite"),
        ("dvo_recommendations_storage.type", "SQL"),
    ],
)
def test_options_that_the_go_service_refuses_late_are_listed(
    tmp_path: Path, key: str, value: str
) -> None:
    (told,) = reported_later(load({variable(key): value}, tmp_path))
    assert told.startswith(f"{key}: ")
    assert told.endswith(f"expected, not {value!r}")


def test_a_configuration_does_not_show_its_secrets() -> None:
    config = Config()
    shown = [
        f"{section}.{one.name}"
        for section in section_names()
        for one in dataclasses.fields(getattr(config, section))
        if one.repr and one.name in SECRETS
    ]
    assert shown == []


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("30s", 30),
        ("300ms", 0.3),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("2us", 2e-6),
        (".5s", 0.5),
        ("+1.s", 1),
        ("2\u00b5s", 2e-6),
        ("2\u03bcs", 2e-6),
        (1000000000, 1),
    ],
)
def test_durations_are_read_as_go_writes_them(given: object, seconds: float) -> None:
    config = with_values(Config(), "broker", {"timeout": given})
    assert config.broker.timeout == pytest.approx(seconds)


@pytest.mark.parametrize("given", [3, "3", "3s", 3.0])
def test_a_bare_number_is_seconds_in_options_of_our_own(given: object) -> None:
    assert with_values(Config(), "server", {"request_timeout": given}).server.request_timeout == 3


@pytest.mark.parametrize(
    "given",
    [["ocp_recommendations", "dvo_recommendations"], "ocp_recommendations, dvo_recommendations"],
)
def test_both_kinds_of_messages_may_be_used_at_once(given: object) -> None:
    config = with_values(Config(), "storage_backend", {"use": given})
    assert config.storage_backend.use == ("ocp_recommendations", "dvo_recommendations")


def test_an_allow_list_begins_with_a_header(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("11,a\n12,b\n\n4294967295,c\n")
    assert read_allowlist(str(file)) == {12, 4294967295}
    file.write_text("")
    assert read_allowlist(str(file)) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["id\nx\n", "id\n-1\n", "id\n1,2\n", "id\n4294967296\n", "id\n 1\n", "id\n1.0\n", "id\n²\n"],
)
def test_a_bad_line_of_an_allow_list_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"processing.org_allowlist_file: '.*list.csv' line 2: "):
        read_allowlist(str(file))


def test_an_allow_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"processing\.org_allowlist_file: cannot read"):
        read_allowlist(str(tmp_path / "absent.csv"))


def test_numbers_of_many_digits_in_an_allowlist(tmp_path: Path) -> None:
    file = tmp_path / "orgs.csv"
    file.write_text("OrgId\n" + "0" * 5_000 + "12\n")
    assert read_allowlist(str(file)) == {12}
    file.write_text("OrgId\n" + "9" * 5_000 + "\n")
    with pytest.raises(ConfigError, match=r"line 2: 9{20}\.\.\. is too large"):
        read_allowlist(str(file))


def documented() -> dict[str, str]:
    """Return the default of each option in docs/configuration.md, as text."""
    found: dict[str, str] = {}
    sections: list[str] = []
    for line in (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            sections = line[3:].split(", ")
        elif row := re.match(r"\| `(\w+)` \| (?:`([^`]*)`)? ?\| \S", line):
            found |= {f"{section}.{row[1]}": row[2] or "" for section in sections}
    return found


def test_every_option_is_documented_with_its_default() -> None:
    config = Config()

    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, tuple) else str(value)

    defaults = {
        f"{section}.{key}": shown(getattr(getattr(config, section), key))
        for section, key, _ in options()
    }
    assert documented() == defaults
