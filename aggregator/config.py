"""Every option with its default and its limits.

Values come from `sources.py`; keys and meanings are those of contract config-cli 2, and ours.
"""

from __future__ import annotations

import csv
import re
import typing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import ConfigError, UnusableFile
from .values import Duration, Seconds, parse, wanted

MASK = "***"
SECRETS = frozenset(
    {"pg_password", "sasl_password", "password", "aws_secret_key", "aws_session_token", "dsn"}
)
_PASSWORD_PARAMETER = re.compile(r"(?i)(password=)[^&\s]*")
_CHOICES = {
    "auto_offset_reset": ("earliest", "latest"),
    "organization_check": ("strict", "legacy"),
    "schema": ("default", "strict"),
    "db_driver": ("sqlite3", "postgres"),
}
# smallest and largest value of numbers; those that are not here are not negative
_RANGES: dict[str, tuple[float, float]] = {
    "batch_size": (1, 100_000),
    "refused_limit_share": (0, 1),
    "pg_port": (0, 65535),
    "pg_pool_size": (1, 1000),
    "database": (0, 15),
    "workers": (0, 1024),
}
_MOST = float(2**53)


@dataclass(frozen=True)
class BrokerConfig:
    """Kafka: where messages come from and go to (contract config-cli 2). Times are seconds."""

    addresses: tuple[str, ...] = ("localhost:29092",)
    security_protocol: str = ""
    cert_path: str = ""
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    topic: str = "ccx.ocp.results"
    timeout: Duration = 0.0
    payload_tracker_topic: str = ""
    dead_letter_queue_topic: str = ""
    service_name: str = "insights-results-aggregator"
    group: str = "aggregator"
    enabled: bool = False
    enable_org_allowlist: bool = False
    client_id: str = ""
    dvo_topic: str = "ccx.dvo.results"
    dvo_group: str = ""
    display_message_with_wrong_structure: bool = False
    auto_offset_reset: str = "earliest"
    batch_size: int = 500
    batch_wait: Seconds = 0.05
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
    request_timeout: Seconds = 10.0
    organization_check: str = "strict"
    jwt_key_file: str = ""
    jwt_jwks_file: str = ""
    jwt_algorithms: tuple[str, ...] = ()
    workers: int = 0


@dataclass(frozen=True)
class StorageConfig:
    """One storage: where it is and of which type."""

    type: str = "sql"
    db_driver: str = "sqlite3"
    sqlite_datasource: str = ":memory:"
    pg_username: str = ""
    pg_password: str = field(default="", repr=False)
    pg_host: str = ""
    pg_port: int = 5432
    pg_db_name: str = ""
    pg_params: str = ""
    log_sql_queries: bool = False
    pg_read_host: str = ""
    pg_pool_size: int = 4


@dataclass(frozen=True)
class RedisConfig:
    """Redis, for the cache-writer."""

    endpoint: str = "localhost:6379"
    database: int = 0
    timeout_seconds: int = 30
    username: str = ""
    password: str = field(default="", repr=False)


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
    aws_secret_key: str = field(default="", repr=False)
    aws_session_token: str = field(default="", repr=False)
    aws_region: str = ""
    log_group: str = ""
    stream_name: str = ""
    debug: bool = False


@dataclass(frozen=True)
class SentryConfig:
    """The Sentry sink of the log."""

    dsn: str = field(default="", repr=False)
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
    kinds = typing.get_type_hints(type(old), include_extras=True)
    new = {name: _typed(f"{section}.{name}", kinds[name], value) for name, value in values.items()}
    return replace(config, **{section: replace(old, **new)})


def section_names() -> list[str]:
    """Return the names of all sections."""
    return [one.name for one in fields(Config) if one.name not in ("warnings", "notices")]


def _typed(key: str, kind: Any, value: Any) -> Any:
    name = key.rpartition(".")[2]
    try:
        parsed = parse(kind, value)
    except (ValueError, TypeError):
        shown = MASK if name in SECRETS else repr(value)
        raise ConfigError(f"{key}: {wanted(kind)} expected, not {shown}") from None
    if name in _CHOICES and parsed not in _CHOICES[name]:
        raise ConfigError(f"{key}: {' or '.join(_CHOICES[name])} expected, not {parsed!r}")
    low, high = _RANGES.get(name, (0, _MOST))
    if isinstance(parsed, float | int) and not low <= parsed <= high:
        limits = f"at least {low}" if high == _MOST else f"{low} to {high}"
        raise ConfigError(f"{key}: {limits} expected, not {value!r}")
    return parsed


def without_passwords(parameters: str) -> str:
    """Return a database's parameters with the value of those that are passwords masked."""
    return _PASSWORD_PARAMETER.sub(rf"\1{MASK}", parameters)


def read_allowlist(path: str) -> frozenset[int]:
    """Return the organizations of a CSV file whose first line is a header (contract ingest 1).

    Raise UnusableFile for a file that cannot be read, or a line that is no organization.
    """
    key = "processing.org_allowlist_file"
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, ValueError, csv.Error) as error:
        raise UnusableFile(f"{key}: cannot read '{path}': {error}") from error
    allowed = set()
    for number, line in enumerate(lines[1:], 2):
        text = line[0]
        if len(line) != len(lines[0]) or not (text.isascii() and text.isdigit()):
            raise UnusableFile(f"{key}: '{path}' line {number}: organization expected, not {line}")
        if int(text) >= 2**32:
            raise UnusableFile(f"{key}: '{path}' line {number}: {text} is too large")
        allowed.add(int(text))
    return frozenset(allowed)
