"""Optional log handlers: CloudWatch and Sentry, if their packages are installed."""

from __future__ import annotations

import copy
import logging
import platform
from typing import Any

from . import request_id
from .config.options import CloudWatchConfig, Config, SentryConfig

log = logging.getLogger(__name__)

CLOUDWATCH_SECONDS = 1


def attach(config: Config, formatter: logging.Formatter) -> None:
    """Add the configured sinks; log a warning for one that cannot be started."""
    if config.logging.logging_to_cloud_watch_enabled:
        _try("CloudWatch", lambda: _cloudwatch(config.cloudwatch, formatter))
    if config.logging.logging_to_sentry_enabled:
        _try("Sentry", lambda: _sentry(config.sentry))


def _try(name: str, start: Any) -> None:
    # a wrong option or a missing network must not stop the service
    try:
        start()
    except ImportError as error:
        reason = f"{error}; install the extra 'sinks'"
        log.warning("nothing is logged to %s", name, extra={"fields": {"error": reason}})
    except Exception as error:
        log.warning("nothing is logged to %s", name, extra={"fields": {"error": repr(error)}})


def _cloudwatch(options: CloudWatchConfig, formatter: logging.Formatter) -> None:
    import boto3
    import watchtower

    if not options.log_group:
        raise ValueError("cloudwatch.log_group is empty")
    client = boto3.client(
        "logs",
        aws_access_key_id=options.aws_access_id or None,
        aws_secret_access_key=options.aws_secret_key or None,
        aws_session_token=options.aws_session_token or None,
        region_name=options.aws_region or None,
    )
    sender = watchtower.CloudWatchLogHandler(
        log_group_name=options.log_group,
        log_stream_name=(options.stream_name or "$HOSTNAME").replace("$HOSTNAME", platform.node()),
        boto3_client=client,
        send_interval=CLOUDWATCH_SECONDS,
    )
    # the message is the formatted line already
    sender.setFormatter(logging.Formatter("%(message)s"))
    handler = CloudWatchHandler(sender)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


class CloudWatchHandler(logging.Handler):
    """Passes formatted lines to watchtower's handler, which drops records without a message."""

    def __init__(self, sender: logging.Handler) -> None:
        super().__init__()
        self._sender = sender

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line for the thread that sends it."""
        try:
            self._sender.handle(_with_message(record, self.format(record)))
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Send the queued lines."""
        self._sender.flush()

    def close(self) -> None:
        """Send the queued lines and end the thread."""
        self._sender.close()
        super().close()


def _with_message(record: logging.LogRecord, message: str) -> logging.LogRecord:
    """Return a copy of the record with this message, without arguments and traceback."""
    made = copy.copy(record)
    made.msg, made.args = message, ()
    made.exc_info = made.exc_text = made.stack_info = None
    return made


def _sentry(options: SentryConfig) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    # the integration installs its own handler
    sentry_sdk.init(
        dsn=options.dsn or None,
        environment=options.environment or None,
        integrations=[LoggingIntegration(level=logging.INFO, event_level=logging.ERROR)],
        # they would replace methods of Tornado, SQLAlchemy and asyncpg, and report what we answer
        auto_enabling_integrations=False,
        before_send=_by_message,
        # local variables may contain a password
        include_local_variables=False,
    )


def _by_message(event: Any, _hint: Any) -> Any:
    """Group events by their text, so that equal ones are one issue.

    A line without a message has its fields as text: Sentry shows no event without one.
    """
    entry = event.get("logentry") or {}
    text = entry.get("formatted") or entry.get("message")
    fields = event.get("extra", {}).get("fields")
    if not text and fields and "exception" not in event:
        text = " ".join(f"{name}={value}" for name, value in fields.items())
        event["logentry"] = {"message": text}
    if text:
        event["fingerprint"] = [text]
    if answered := request_id.current():
        event.setdefault("tags", {})["request_id"] = answered
    return event
