"""Declares all options with defaults and checks.

Values are loaded by `config/loading.py`. Keys of the Go service have the meaning of contract
config-cli 2.
"""

from __future__ import annotations

import typing
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from ..errors import ConfigError
from ..masking import MASK, mask_text
from . import checks, pg_params
from .checks import Check, check_of, option
from .parsing import (
    Duration,
    Seconds,
    expected_form,
    parse,
)

BACKENDS = ("ocp_recommendations", "dvo_recommendations")
_JWT_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "HS256", "HS384", "HS512",
)  # fmt: skip
LOG_LEVELS = ("debug", "info", "warn", "warning", "error", "fatal")
HOUR, DAY = 3600.0, 86400.0
SHOWN_CHARACTERS = 200
GIBIBYTE = 1024**3


@dataclass(frozen=True)
class BrokerConfig:
    """Kafka: brokers, topics, consumer group (contract config-cli 2). Times are seconds."""

    addresses: tuple[str, ...] = option(("localhost:29092",), rule=checks.broker_address)
    security_protocol: str = option(
        "", choices=("", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), any_case=True
    )
    cert_path: str = ""
    sasl_mechanism: str = option(
        "", choices=("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), any_case=True
    )
    sasl_username: str = ""
    sasl_password: str = option("", secret=True)
    topic: str = option("ccx.ocp.results", rule=checks.kafka_name)
    timeout: Duration = option(0.0, high=DAY)
    payload_tracker_topic: str = option("", rule=checks.kafka_name)
    dead_letter_queue_topic: str = option("", rule=checks.kafka_name)
    service_name: str = "insights-results-aggregator"
    group: str = "aggregator"
    enabled: bool = False
    enable_org_allowlist: bool = False
    client_id: str = ""
    dvo_topic: str = option("ccx.dvo.results", rule=checks.kafka_name)
    dvo_group: str = ""
    display_message_with_wrong_structure: bool = False
    auto_offset_reset: str = option("earliest", choices=("earliest", "latest"))
    batch_size: int = option(500, low=1, high=100_000)
    batch_wait: Seconds = option(0.05, high=HOUR)
    group_instance_id: str = option("", rule=checks.kafka_name)
    session_timeout: Seconds = option(10.0, low=6, high=1800)
    isolation_level: str = option(
        "read_uncommitted", choices=("read_uncommitted", "read_committed")
    )
    dead_letter_max_ratio: float = option(0.5, high=1)
    dead_letter_max_consecutive: int = 1000
    maximum_unpacked_size: int = option(8 * 1024 * 1024, low=1, high=GIBIBYTE)


@dataclass(frozen=True)
class ServerConfig:
    """The REST server. Times are seconds, sizes bytes."""

    address: str = option(":8080", rule=checks.listen_address)
    api_prefix: str = option("/api/v1/", rule=checks.url_prefix)
    api_spec_file: str = ""
    debug: bool = False
    dashboard: bool = False
    auth: bool = False
    auth_type: str = option("xrh", choices=("", "xrh", "jwt"))
    maximum_feedback_message_length: int = 255
    org_overview_limit_hours: int = option(2, high=10_000_000)
    maximum_body_size: int = option(16 * 1024 * 1024, low=1, high=GIBIBYTE)
    maximum_connections: int = option(0, high=1_000_000)
    compression: bool = False
    request_timeout: Seconds = option(10.0, low=0.001, high=HOUR)
    organization_check: str = option("strict", choices=("strict", "legacy"))
    jwt_key_file: str = ""
    jwt_jwks_file: str = ""
    jwt_audience: str = ""
    jwt_issuer: str = ""
    jwt_require_exp: bool = False
    jwt_leeway: Seconds = option(0.0, high=HOUR)
    jwt_algorithms: tuple[str, ...] = option((), choices=_JWT_ALGORITHMS)
    workers: int = option(0, high=1024)


@dataclass(frozen=True)
class StorageConfig:
    """One storage: its type, and the database or file."""

    type: str = option("sql", choices=("sql", "redis", "noop", ""), reported_later=True)
    db_driver: str = option("sqlite3", choices=("sqlite3", "postgres"))
    sqlite_datasource: str = ":memory:"
    pg_username: str = ""
    pg_password: str = option("", secret=True)
    pg_host: str = ""
    pg_port: int = option(5432, high=65535)
    pg_db_name: str = ""
    pg_params: str = ""
    log_sql_queries: bool = False
    pg_read_host: str = ""
    pg_pool_size: int = option(4, low=1, high=1000)


@dataclass(frozen=True)
class RedisConfig:
    """Redis, for the cache-writer."""

    endpoint: str = option("localhost:6379", rule=checks.redis_endpoint)
    database: int = option(0, high=15)
    timeout_seconds: int = option(30, high=86400)
    username: str = ""
    password: str = option("", secret=True)
    tls: bool = False
    cert_path: str = ""
    client_cert_path: str = ""
    client_key_path: str = ""

    @property
    def encrypted(self) -> bool:
        """Return True if the connection uses TLS."""
        return self.tls or self.endpoint.startswith("rediss://")


@dataclass(frozen=True)
class MetricsConfig:
    """Prometheus metrics."""

    namespace: str = option("", rule=checks.metric_prefix)


@dataclass(frozen=True)
class BackendConfig:
    """Which messages this process consumes and which schema `migration` works on."""

    use: tuple[str, ...] = option(("ocp_recommendations",), choices=BACKENDS, reported_later=True)


@dataclass(frozen=True)
class ProcessingConfig:
    """Which messages are accepted."""

    org_allowlist_file: str = "org_allowlist.csv"
    schema: str = option("default", choices=("default", "strict"))


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
    aws_secret_key: str = option("", secret=True)
    aws_session_token: str = option("", secret=True)
    aws_region: str = ""
    log_group: str = ""
    stream_name: str = ""
    debug: bool = False


@dataclass(frozen=True)
class SentryConfig:
    """The Sentry sink of the log."""

    dsn: str = option("", secret=True)
    environment: str = ""


@dataclass(frozen=True)
class TracingConfig:
    """Traces of requests and batches, exported with OTLP over HTTP."""

    endpoint: str = option("", rule=checks.http_url)
    service_name: str = "insights-results-aggregator"
    sample_ratio: float = option(1.0, high=1)


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
    tracing: TracingConfig = field(default_factory=TracingConfig)
    # found on loading: unknown keys, keys without effect, and the notices about Clowder
    warnings: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    # (section.key, origin) of what is no default: a file, a variable, or Clowder
    origins: tuple[tuple[str, str], ...] = ()
    # whether `storage_backend.use` was given; `migration` works on all storages otherwise
    backend_given: bool = False


SECRETS = frozenset(
    one.name
    for section in fields(Config)
    if section.default_factory is not MISSING
    for one in fields(section.default_factory())
    if check_of(one.metadata).secret
)


def with_values(config: Config, section: str, values: dict[str, Any]) -> Config:
    """Return the configuration with these keys of a section set; raise ConfigError."""
    old = getattr(config, section)
    kinds = typing.get_type_hints(type(old), include_extras=True)
    declared = {one.name: check_of(one.metadata) for one in fields(old)}
    new = {
        name: _typed(f"{section}.{name}", kinds[name], declared[name], value)
        for name, value in values.items()
    }
    return replace(config, **{section: replace(old, **new)})


def section_names() -> list[str]:
    """Return the names of all sections."""
    return [one.name for one in fields(Config) if one.default_factory is not MISSING]


def _typed(key: str, kind: Any, check: Check, value: Any) -> Any:
    shown = MASK if check.secret else _shown(repr(value))
    try:
        parsed = parse(kind, value)
    except (ValueError, TypeError):
        raise ConfigError(f"{key}: {expected_form(kind)} expected, not {shown}") from None
    expected = check.expected(parsed)
    if expected and not check.reported_later:
        raise ConfigError(f"{key}: {expected}, not {shown}")
    return parsed


def _shown(text: str) -> str:
    return mask_text(text) if len(text) <= SHOWN_CHARACTERS else f"{len(text)} characters"


def reported_later(config: Config) -> list[str]:
    """Return the errors of options that the Go service checks late, one line each.

    `start-service` and `migration` report them with the texts and statuses of contract
    config-cli 4 and 5; all other commands report them like any other option.
    """
    found = []
    for section in section_names():
        options = getattr(config, section)
        for one in fields(options):
            check, value = check_of(one.metadata), getattr(options, one.name)
            expected = check.expected(value) if check.reported_later else ""
            if expected:
                shown = ",".join(value) if isinstance(value, tuple) else value
                found.append(f"{section}.{one.name}: {expected}, not {shown!r}")
    return found


def check_together(config: Config) -> None:
    """Check options that depend on others; raise ConfigError."""
    server, broker = config.server, config.broker
    if server.auth and not server.auth_type:
        raise ConfigError("server.auth_type: xrh or jwt expected, not ''")
    for name in ("addresses", "topic", "group") if broker.enabled else ():
        if not getattr(broker, name):
            raise ConfigError(f"broker.{name}: must not be empty with broker.enabled")
    _check_storage("ocp_recommendations_storage", config.ocp_recommendations_storage)
    _check_storage("dvo_recommendations_storage", config.dvo_recommendations_storage)
    if config.ocp_recommendations_storage.type == "redis":
        _check_redis(config.redis)


def _check_storage(section: str, storage: StorageConfig) -> None:
    if storage.type != "sql":
        return
    if storage.db_driver == "sqlite3" and not storage.sqlite_datasource:
        raise ConfigError(f"{section}.sqlite_datasource: a file or :memory: expected, not ''")
    if storage.db_driver == "postgres":
        address = (storage.pg_host, storage.pg_port, storage.pg_read_host)
        try:
            pg_params.check(storage.pg_params, *address)
        except ConfigError as error:
            raise ConfigError(f"{section}.{error}") from None


def _check_redis(redis: RedisConfig) -> None:
    if not redis.endpoint:
        raise ConfigError("redis.endpoint: host:port expected, not ''")
    certificates = redis.cert_path or redis.client_cert_path or redis.client_key_path
    if certificates and not redis.encrypted:
        raise ConfigError("redis.tls: true expected with certificates, or a rediss:// endpoint")
