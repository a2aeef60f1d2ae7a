"""Logging setup: JSON lines with the Go service's field names, or text for people.

A record's `extra={"fields": {...}}` comes between level and time (contract config-cli 6).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from . import request_id, sinks
from .config.options import Config
from .escaping import printable, printable_json
from .processes import streams

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
OURS = ("aggregator", "testing", "__main__")
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}
_CONSOLE = {
    "debug": "\033[34mDBG\033[0m",
    "info": "\033[32mINF\033[0m",
    "warn": "\033[33mWRN\033[0m",
    "error": "\033[1;31mERR\033[0m",
    "fatal": "\033[1;31mFTL\033[0m",
}
_COLOR = re.compile("\033\\[[0-9;]*m")
# libraries that are too verbose below `warning`
_QUIET = ("asyncio", "aiosqlite", "sqlalchemy", "tornado", "aiokafka", "botocore", "urllib3")
# the loggers whose level `setup` sets, besides the root
CONFIGURED = (*OURS, *_QUIET)


class JsonFormatter(logging.Formatter):
    """Writes a record as the Go service does: level first, message last."""

    def __init__(self, *, upper_case: bool = False) -> None:
        super().__init__()
        self._upper_case = upper_case

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception is the field `error`, with its traceback in `stack`."""
        line: dict[str, Any] = {"level": _level(record), **_fields(record)}
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        line["time"] = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if message := record.getMessage():
            line["message"] = message
        document = {name.upper(): line[name] for name in line} if self._upper_case else line
        return printable_json(_encoded(document))


class ConsoleFormatter(logging.Formatter):
    """Writes a record for people: local time, level, text, fields; colours are for terminals."""

    def __init__(self, *, colored: bool = True) -> None:
        super().__init__()
        self._colored = colored

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback below it where there is one."""
        line = self._line(record)
        # what others wrote has no control characters any more
        return line if self._colored else _COLOR.sub("", line)

    def _line(self, record: logging.LogRecord) -> str:
        level = _level(record)
        time = datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S")
        shown = [
            f"\033[36m{printable(str(name))}=\033[0m{printable(str(value))}"
            for name, value in _fields(record).items()
        ]
        message = printable(record.getMessage())
        text = [f"\033[90m{time}\033[0m", _CONSOLE.get(level, level), message, *shown]
        line = " ".join(part for part in text if part)
        if not record.exc_info:
            return line
        # indented, so that no line of a message in it looks like a record
        stack = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"    {printable(one)}" for one in stack)])


class PlainFormatter(logging.Formatter):
    """Writes the message alone, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message."""
        return printable(record.getMessage())


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a standard stream; lines that cannot be written are dropped.

    The service keeps running when the reader of its log has exited, or the disk is full.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Report once that lines are lost, unless the reader has exited."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif isinstance(error, BrokenPipeError):
            streams.discard(self.stream)
        elif not self._complained:
            self._complained = True
            if self.stream is not sys.stderr:
                streams.complain(f"log lines are lost: {error}")


def setup(config: Config) -> None:
    """Configure logging; a sink that cannot be started is logged and skipped."""
    stream = sys.stderr if config.logging.use_stderr else sys.stdout
    handler = LineHandler(stream)
    colored = stream.isatty()
    handler.setFormatter(
        ConsoleFormatter(colored=colored) if config.logging.debug else JsonFormatter()
    )
    level = LEVELS.get(config.logging.log_level.strip().lower(), logging.DEBUG)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    _set_levels(level)
    logging.captureWarnings(True)
    sinks.attach(config, JsonFormatter(upper_case=True))


def switch_debug() -> None:
    """Set the level `debug`, or the level of `setup` again if it is set already."""
    own = logging.getLogger(OURS[0])
    if own.level > logging.DEBUG:
        _configured.append(own.level)
        _set_levels(logging.DEBUG)
        own.info("log level: debug, until the next SIGUSR1")
    elif _configured:
        own.info("log level: as configured")
        _set_levels(_configured.pop())


# the level of `setup` while `debug` is set
_configured: list[int] = []


def _set_levels(level: int) -> None:
    root = logging.getLogger()
    # the debug lines of libraries are not about this service
    root.setLevel(max(level, logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _level(record: logging.LogRecord) -> str:
    return _NAMES.get(record.levelno, record.levelname.lower())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    given: dict[str, Any] = getattr(record, "fields", {})
    fields = {name: _shown(value) for name, value in given.items()}
    if record.exc_info and record.exc_info[1] is not None:
        fields.setdefault("error", str(record.exc_info[1]) or repr(record.exc_info[1]))
    # messages of a topic have an id of their own
    if answered := request_id.current():
        fields.setdefault("request ID", answered)
    package = record.name.partition(".")[0]
    if package not in OURS:
        fields["package"] = package
    return fields


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value) if isinstance(value, BaseException) else value


def _encoded(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:
        # orjson rejects lone surrogates and integers beyond 64 bits, which a message may contain
        return json.dumps(line, default=str)
