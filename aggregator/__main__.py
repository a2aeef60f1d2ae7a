"""The command line: `insights-results-aggregator [command]` (contract config-cli 4)."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

from . import sources
from .commands import COMMANDS, Command, Voice, find
from .config import Config, reported_later
from .errors import AggregatorError, ConfigError

FAILED, BAD_CONFIG, INTERRUPTED = 1, 2, 130
# these report some wrong options with texts and statuses of the Go service
REPORT_THEMSELVES = (".start_service", ".start_worker", ".migration")

log = logging.getLogger("aggregator")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0].strip().lower() if arguments else ""
    command = find(name)
    try:
        config = _config(name, arguments[1:])
        if command is None or command.voice is not Voice.PERSON:
            sys.stdout.write("".join(config.notices))
        if command is None:
            print(f"\nCommand '{name}' not found")
            command = COMMANDS["help"]
        return _run(command, config, arguments[1:])
    except ConfigError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return BAD_CONFIG
    except BrokenPipeError:
        _discard_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _config(name: str, arguments: Sequence[str]) -> Config:
    if name != "start-worker":
        return sources.load_here()
    from .workers import inherited_config

    return inherited_config(arguments)


def _run(command: Command, config: Config, arguments: Sequence[str]) -> int:
    """Run a command in its voice; a user's mistake is one line, never a traceback."""
    wrong = reported_later(config)
    if wrong and command.module not in REPORT_THEMSELVES:
        raise ConfigError(wrong[0])
    if command.voice is Voice.LOG:
        return _run_logged(command, config, arguments)
    for warning in config.warnings:
        print(f"configuration: {warning}", file=sys.stderr)
    try:
        status = _call(command, config, arguments)
        sys.stdout.flush()
    except ConfigError:
        raise
    except AggregatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    return status


def _run_logged(command: Command, config: Config, arguments: Sequence[str]) -> int:
    from . import logs

    sys.stdout.flush()
    logs.setup(config)
    for warning in config.warnings:
        log.warning("configuration: %s", warning)
    for line in reported_later(config):
        log.error("configuration: %s", line)
    try:
        status = _call(command, config, arguments)
    except AggregatorError as error:
        log.error("%s", error)
        status = BAD_CONFIG if isinstance(error, ConfigError) else FAILED
    except Exception:
        log.exception("unexpected error")
        status = FAILED
    if status:
        log.error("Service exited with non-zero code %d", status)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    return status


def _discard_output() -> None:
    """Let nothing be flushed any more to a reader of our output who has enough of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _call(command: Command, config: Config, arguments: Sequence[str]) -> int:
    status: int = importlib.import_module(command.module, f"{__package__}.commands").run(
        config, arguments
    )
    return status


if __name__ == "__main__":
    sys.exit(main())
