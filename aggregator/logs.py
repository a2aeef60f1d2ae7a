"""Log lines: one JSON object a line with the reference's field names, or text for people.

A record's `extra={"fields": {...}}` comes between level and time (contract metrics-logging 2).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from .config import Config, LoggingConfig

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}
_COLOURS = {"debug": 33, "info": 32, "warn": 31, "error": 31, "fatal": 31}
# libraries that tell more than anybody wants to read
_QUIET = ("asyncio", "aiosqlite", "sqlalchemy", "tornado", "aiokafka")


class JsonFormatter(logging.Formatter):
    """Writes a record as the reference does: level first, message last."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback goes into the field `error`."""
        line: dict[str, Any] = {"level": _level(record)}
        line |= {name: _shown(value) for name, value in _fields(record).items()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        if record.name.startswith(_QUIET):
            line["package"] = record.name.partition(".")[0]
        line["time"] = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if message := record.getMessage():
            line["message"] = message
        return orjson.dumps(line, default=str).decode()


class ConsoleFormatter(logging.Formatter):
    """Writes a record for people: time, coloured level, text, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback below it where there is one."""
        level = _level(record)
        time = datetime.fromtimestamp(record.created).strftime("%I:%M%p").lstrip("0")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"\033[90m{time}\033[0m \033[{_COLOURS[level]}m{level[:4].upper()}\033[0m "
        line += record.getMessage() + fields
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _level(record: logging.LogRecord) -> str:
    return _NAMES.get(record.levelno, record.levelname.lower())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


def _shown(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def setup(config: Config) -> None:
    """Send all log lines where the configuration says; a sink that fails is said and left out."""
    logging_config = config.logging
    stream = sys.stderr if logging_config.use_stderr else sys.stdout
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ConsoleFormatter() if logging_config.debug else JsonFormatter())
    level = LEVELS.get(logging_config.log_level.strip().lower(), logging.DEBUG)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for wanted, sink in _sinks(logging_config):
        if wanted:
            try:
                root.addHandler(sink(config))
            except (ImportError, OSError, ValueError) as error:
                root.error("log sink left out: %s", error)


def _sinks(config: LoggingConfig) -> list[tuple[bool, Callable[[Config], logging.Handler]]]:
    return [
        (config.logging_to_cloud_watch_enabled, _cloudwatch),
        (config.logging_to_sentry_enabled, _sentry),
    ]


def _cloudwatch(config: Config) -> logging.Handler:
    import boto3
    import watchtower

    options = config.cloudwatch
    if not options.log_group:
        raise ValueError("cloudwatch.log_group: a name expected, not ''")
    client = boto3.client(
        "logs",
        aws_access_key_id=options.aws_access_id or None,
        aws_secret_access_key=options.aws_secret_key or None,
        aws_session_token=options.aws_session_token or None,
        region_name=options.aws_region or None,
    )
    handler: logging.Handler = watchtower.CloudWatchLogHandler(
        log_group_name=options.log_group,
        log_stream_name=options.stream_name or "{machine_name}",
        boto3_client=client,
    )
    handler.setFormatter(JsonFormatter())
    return handler


def _sentry(config: Config) -> logging.Handler:
    import sentry_sdk
    from sentry_sdk.integrations.logging import EventHandler

    sentry_sdk.init(dsn=config.sentry.dsn or None, environment=config.sentry.environment or None)
    handler: logging.Handler = EventHandler(level=logging.ERROR)
    return handler
