"""CLI entry point: `insights-results-aggregator [command]` (contract config-cli 4)."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence

from .commands import (
    COMMANDS,
    Command,
    OutputMode,
    find,
)
from .config import loading
from .config.options import Config, reported_later
from .errors import AggregatorError, ConfigError
from .escaping import printable
from .masking import mask_text
from .processes import streams

FAILED, BAD_CONFIG, INTERRUPTED = 1, 2, 130
# these report some wrong options with texts and statuses of the Go service
REPORT_THEMSELVES = (".start_service", ".start_worker", ".migration")

log = logging.getLogger("aggregator")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    streams.ensure_open()
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except ConfigError as error:
        _complain("configuration", error)
        return BAD_CONFIG
    except BrokenPipeError:
        # BrokenPipeError: the reader of standard output has closed it
        streams.discard(sys.stdout)
        return 0
    except OSError as error:
        # such as a full disk; files of commands are reported by them
        _complain("error", error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        streams.finish()


def _main(arguments: list[str]) -> int:
    name = arguments[0].strip().lower() if arguments else ""
    command = find(name)
    config = _config(name, arguments[1:])
    notices = "".join(config.notices)
    if command is not None and command.output is OutputMode.LOG:
        streams.write(notices)
    elif command is None or command.output is OutputMode.TEXT:
        # to be flushed with the text, which must not be lost without a word
        sys.stdout.write(notices)
    if command is None:
        print(f"\nCommand '{printable(name)}' not found")
        command = COMMANDS["help"]
    return _run(command, config, arguments[1:])


def _complain(what: str, error: object) -> None:
    streams.complain(f"{what}: {mask_text(printable(str(error)))}")


def _config(name: str, arguments: Sequence[str]) -> Config:
    if name != "start-worker":
        return loading.load_here()
    from .processes.workers import inherited_config

    return inherited_config(arguments)


def _run(command: Command, config: Config, arguments: Sequence[str]) -> int:
    """Run a command in its output mode; print user errors as one line without a traceback."""
    wrong = reported_later(config)
    if wrong and command.module not in REPORT_THEMSELVES:
        raise ConfigError(wrong[0])
    if command.output is OutputMode.LOG:
        return _run_logged(command, config, arguments)
    for warning in config.warnings:
        _complain("configuration", warning)
    try:
        status = _call(command, config, arguments)
        sys.stdout.flush()
    except ConfigError:
        raise
    except AggregatorError as error:
        _complain("error", error)
        return FAILED
    return status


def _run_logged(command: Command, config: Config, arguments: Sequence[str]) -> int:
    from . import logs

    logs.setup(config)
    for warning in config.warnings:
        log.warning("configuration: %s", mask_text(warning))
    for line in reported_later(config):
        log.error("configuration: %s", mask_text(line))
    try:
        status = _call(command, config, arguments)
    except AggregatorError as error:
        log.error("%s", mask_text(str(error)))
        status = BAD_CONFIG if isinstance(error, ConfigError) else FAILED
    except Exception:
        log.exception("unexpected error")
        status = FAILED
    if status:
        log.error("Service exited with non-zero code %d", status)
    return status


def _call(command: Command, config: Config, arguments: Sequence[str]) -> int:
    status: int = importlib.import_module(command.module, f"{__package__}.commands").run(
        config, arguments
    )
    return status


if __name__ == "__main__":
    sys.exit(main())
