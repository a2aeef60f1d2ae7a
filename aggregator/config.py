"""Every option with its default, and the one reader of a configuration's values.

Sources are in `sources.py`; keys and meanings are those of contract config-cli 2, and ours.
"""

from __future__ import annotations

import csv
import re
import typing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NewType

from .errors import ConfigError

Duration = NewType("Duration", float)

SECRETS = frozenset(
    {"pg_password", "sasl_password", "password", "aws_secret_key", "aws_session_token", "dsn"}
)
_TRUE, _FALSE = {"1", "t", "true"}, {"0", "f", "false"}
_GO_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_GO_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_CHOICES = {
    "auto_offset_reset": ("earliest", "latest"),
    "organization_check": ("strict", "legacy"),
    "schema": ("default", "strict"),
    "db_driver": ("sqlite3", "postgres"),
}


@dataclass(frozen=True)
class BrokerConfig:
    """Kafka: where messages come from and go to (contract config-cli 2). Times are seconds."""

    addresses: tuple[str, ...] = ("localhost:29092",)
    security_protocol: str = ""
    cert_path: str = ""
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = ""
    topic: str = "ccx.ocp.results"
    timeout: Duration = Duration(0.0)
    payload_tracker_topic: str = ""
    dead_letter_queue_topic: str = ""
    service_name: str = "insights-results-aggregator"
    group: str = "aggregator"
    enabled: bool = False
    enable_org_allowlist: bool = False
    client_id: str = ""
    dvo_topic: str = "ccx.dvo.results"
    display_message_with_wrong_structure: bool = False
    auto_offset_reset: str = "earliest"
    batch_size: int = 500
    batch_wait: float = 0.05
    group_instance_id: str = ""
    refused_limit_share: float = 0.5
    refused_limit_run: int = 1000
    maximum_unpacked_size: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class ServerConfig:
    """The REST server. Times are seconds, sizes bytes."""

    address: str = ":8080"
    api_prefix: str = "/api/v1/"
    api_spec_file: str = ""
    debug: bool = False
    auth: bool = False
    auth_type: str = "xrh"
    maximum_feedback_message_length: int = 255
    org_overview_limit_hours: int = 2
    maximum_body_size: int = 4 * 1024 * 1024
    request_timeout: float = 10.0
    organization_check: str = "strict"
    jwt_key_file: str = ""
    jwt_jwks_file: str = ""
    jwt_algorithms: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class StorageConfig:
    """One storage: where it is and of which type."""

    type: str = "sql"
    db_driver: str = "sqlite3"
    sqlite_datasource: str = ":memory:"
    pg_username: str = ""
    pg_password: str = ""
    pg_host: str = ""
    pg_port: int = 5432
    pg_db_name: str = ""
    pg_params: str = ""
    log_sql_queries: bool = False
    pg_read_host: str = ""
    pg_pool_size: int = 10


@dataclass(frozen=True)
class RedisConfig:
    """Redis, for the cache-writer."""

    endpoint: str = "localhost:6379"
    database: int = 0
    timeout_seconds: int = 30
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class MetricsConfig:
    """Prometheus metrics."""

    namespace: str = ""


@dataclass(frozen=True)
class BackendConfig:
    """Which messages this process consumes and which schema `migration` works on."""

    use: tuple[str, ...] = ("ocp_recommendations",)


@dataclass(frozen=True)
class ProcessingConfig:
    """How messages are judged."""

    org_allowlist_file: str = "org_allowlist.csv"
    schema: str = "default"


@dataclass(frozen=True)
class LoggingConfig:
    """Where log lines go; `debug` writes coloured lines for people instead of JSON."""

    debug: bool = False
    use_stderr: bool = False
    log_level: str = "info"
    logging_to_cloud_watch_enabled: bool = False
    logging_to_sentry_enabled: bool = False


@dataclass(frozen=True)
class CloudWatchConfig:
    """The CloudWatch sink of the log."""

    aws_access_id: str = ""
    aws_secret_key: str = ""
    aws_session_token: str = ""
    aws_region: str = ""
    log_group: str = ""
    stream_name: str = ""
    debug: bool = False


@dataclass(frozen=True)
class SentryConfig:
    """The Sentry sink of the log."""

    dsn: str = ""
    environment: str = ""


@dataclass(frozen=True)
class Config:
    """All options. Every one has a default, so an empty configuration starts."""

    broker: BrokerConfig = field(default_factory=BrokerConfig)
    server: ServerConfig = field(default_factory=ServerConfig)
    processing: ProcessingConfig = field(default_factory=ProcessingConfig)
    ocp_recommendations_storage: StorageConfig = field(default_factory=StorageConfig)
    dvo_recommendations_storage: StorageConfig = field(default_factory=StorageConfig)
    storage_backend: BackendConfig = field(default_factory=BackendConfig)
    redis: RedisConfig = field(default_factory=RedisConfig)
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    cloudwatch: CloudWatchConfig = field(default_factory=CloudWatchConfig)
    sentry: SentryConfig = field(default_factory=SentryConfig)
    # what was found on loading: unknown keys to warn of, and what Clowder said
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def with_values(config: Config, section: str, values: dict[str, Any]) -> Config:
    """Return the configuration with these keys of a section set; raise ConfigError."""
    old = getattr(config, section)
    kinds = typing.get_type_hints(type(old))
    new = {name: _typed(f"{section}.{name}", kinds[name], value) for name, value in values.items()}
    return replace(config, **{section: replace(old, **new)})


def section_names() -> list[str]:
    """Return the names of all sections."""
    return [one.name for one in fields(Config) if one.name not in ("warnings", "notices")]


def _typed(key: str, kind: Any, value: Any) -> Any:
    name = key.rpartition(".")[2]
    try:
        parsed = _parsed(kind, value)
    except (ValueError, TypeError):
        shown = "***" if name in SECRETS else repr(value)
        raise ConfigError(f"{key}: {_wanted(kind)} expected, not {shown}") from None
    if name in _CHOICES and parsed not in _CHOICES[name]:
        raise ConfigError(f"{key}: {' or '.join(_CHOICES[name])} expected, not {parsed!r}")
    return parsed


def _wanted(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(kind, "a duration (30s)" if kind is Duration else "a list of texts")


def _parsed(kind: Any, value: Any) -> Any:
    readers = {bool: _boolean, int: _integer, float: _number, str: _text, Duration: _duration}
    return readers.get(kind, _texts)(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    if isinstance(value, dict | list | bool) or value is None:
        raise ValueError
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if not isinstance(value, list | tuple):
        raise ValueError
    return tuple(_text(item) for item in value)


def _duration(value: Any) -> Duration:
    """Read Go's form (`1m30s`); a bare number is nanoseconds, as the reference has it."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, int | float) or str(value).isdigit():
        return Duration(float(value) * 1e-9)
    if not _GO_DURATION.fullmatch(str(value)):
        raise ValueError
    parts = _GO_PART.findall(str(value))
    return Duration(sum(float(amount) * _SECONDS[unit] for amount, unit in parts))


def read_allowlist(path: str) -> frozenset[int]:
    """Return the organizations of a CSV file whose first line is a header (contract ingest 1).

    Raise ConfigError for a file that cannot be read, or a line that is no organization.
    """
    key = "processing.org_allowlist_file"
    try:
        with Path(path).open(newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{key}: cannot read '{path}': {error}") from error
    allowed = set()
    for number, line in enumerate(lines[1:], 2):
        text = line[0] if line else ""
        if len(line) != len(lines[0]) or not (text.isascii() and text.isdigit()):
            raise ConfigError(f"{key}: '{path}' line {number}: organization expected, not {line}")
        if int(text) >= 2**32:
            raise ConfigError(f"{key}: '{path}' line {number}: {text} is too large")
        allowed.add(int(text))
    return frozenset(allowed)
