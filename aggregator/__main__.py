"""The command line: `insights-results-aggregator [command]` (contract config-cli 4)."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

from . import sources
from .config import Config
from .errors import AggregatorError, ConfigError

BAD_CONFIG = 2

# command -> the module that has `run(config, argv) -> exit status`; imported on demand
COMMANDS = {
    "": "service",
    "start-service": "service",
    "help": "commands.help",
    "print-help": "commands.help",
    "print-config": "commands.print_config",
    "print-env": "commands.print_env",
    "print-version-info": "commands.print_version_info",
    "migration": "commands.migration",
    "migrations": "commands.migration",
    "migrate": "commands.migration",
    "dev": "commands.dev",
    "produce": "commands.produce",
}
# they talk to people, not to a log collector, and need no configuration's notices
FOR_PEOPLE = {"dev", "produce"}

Run = Callable[[Config, Sequence[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0].strip().lower() if arguments else ""
    try:
        config = sources.load_here()
    except ConfigError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return BAD_CONFIG
    if command not in FOR_PEOPLE:
        sys.stdout.write("".join(config.notices))
        sys.stdout.flush()
    return _run(command, config, arguments[1:])


def _run(command: str, config: Config, arguments: list[str]) -> int:
    if command not in COMMANDS:
        print(f"\nCommand '{command}' not found")
        command, arguments = "help", []
    if command not in FOR_PEOPLE:
        _start_log(config)
    run: Run = importlib.import_module(f".{COMMANDS[command]}", __package__).run
    status = _guarded(run, config, arguments)
    if status and command not in FOR_PEOPLE:
        logging.getLogger(__name__).error("Service exited with non-zero code %d", status)
    return status


def _guarded(run: Run, config: Config, arguments: list[str]) -> int:
    """Run a command; a user's mistake is one line, never a traceback."""
    try:
        return run(config, arguments)
    except ConfigError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return BAD_CONFIG
    except AggregatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader of our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _start_log(config: Config) -> None:
    from . import logs

    logs.setup(config)
    for warning in config.warnings:
        logging.getLogger(__name__).warning("configuration: %s", warning)


if __name__ == "__main__":
    sys.exit(main())
