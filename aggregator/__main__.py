"""CLI entry point: `insights-results-aggregator [command]` (contract config-cli 4)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from .commands import COMMANDS, INTERNAL, PROGRAM, Command, OutputMode, arguments, find
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


def _main(given: list[str]) -> int:
    if arguments.asks_for([arguments.VERSION], given):
        return _print_version()
    helped = arguments.asks_for(arguments.HELP, given)
    words = [word for word in given if not (helped and word in arguments.HELP)]
    name, argv = (words[0].strip().lower(), words[1:]) if words else ("", [])
    command = find(name)
    if command is None:
        return _refuse(name, quiet=helped or name.startswith("-"))
    if helped:
        return _print_help(name, command, argv)
    options = arguments.parse(name, command, argv)
    # `migration` refuses its arguments itself, with the Go service's texts
    if options.ignored and command is not COMMANDS["migration"]:
        _complain(name or PROGRAM, f"ignored, as by the Go service: {' '.join(options.ignored)}")
    config = _config(name, argv) if command.configured else Config()
    if not getattr(options, "yaml", False) and not getattr(options, "json", False):
        # a document must not have these lines before it
        _print_notices(command, config)
    return _run(name, command, config, options)


def _print_version() -> int:
    from . import build

    print(f"{PROGRAM} {build.info()['BuildVersion']}")
    return 0


def _print_help(name: str, command: Command, argv: Sequence[str]) -> int:
    """Print the help of a command, or the list of commands; load and change nothing."""
    if name:
        arguments.print_help(name, command, argv)
    else:
        print(arguments.load(COMMANDS["help"]).text())
    return 0


def _refuse(name: str, *, quiet: bool) -> int:
    """Print what the Go service prints for an unknown command, and fail (departure 32)."""
    if not quiet:
        notices = "".join(loading.load_here().notices)
        usage = arguments.load(COMMANDS["help"]).text()
        # the error counts, whether anybody reads this or not
        streams.write(f"{notices}\nCommand '{printable(name)}' not found\n{usage}\n")
    known = [one for one in COMMANDS if one not in INTERNAL]
    what = "unknown option" if name.startswith("-") else "unknown command"
    close = get_close_matches(name, known, 1)
    advice = f"did you mean '{close[0]}'?" if close else f"see {PROGRAM} --help"
    _complain(PROGRAM, f"{what} '{name}'; {advice}")
    return arguments.WRONG_USAGE


def _print_notices(command: Command, config: Config) -> None:
    notices = "".join(config.notices)
    if command.output is OutputMode.LOG:
        streams.write(notices)
    elif command.output is OutputMode.TEXT:
        # to be flushed with the text, which must not be lost without a word
        sys.stdout.write(notices)


def _complain(what: str, error: object) -> None:
    streams.complain(f"{what}: {mask_text(printable(str(error)))}")


def _config(name: str, argv: Sequence[str]) -> Config:
    if name != "start-worker":
        return loading.load_here()
    from .processes.workers import inherited_config

    return inherited_config(argv)


def _run(name: str, command: Command, config: Config, options: argparse.Namespace) -> int:
    """Run a command in its output mode; print user errors as one line without a traceback."""
    wrong = reported_later(config)
    if wrong and command.module not in REPORT_THEMSELVES:
        raise ConfigError(wrong[0])
    if command.output is OutputMode.LOG:
        return _run_logged(command, config, options)
    for warning in config.warnings:
        _complain("configuration", warning)
    try:
        status = _call(command, config, options)
        sys.stdout.flush()
    except ConfigError:
        raise
    except arguments.UsageError as error:
        _complain(f"{PROGRAM} {name}", f"{error} (see {PROGRAM} {name} --help)")
        return arguments.WRONG_USAGE
    except AggregatorError as error:
        _complain(name, error)
        return FAILED
    return status


def _run_logged(command: Command, config: Config, options: argparse.Namespace) -> int:
    from . import logs

    logs.setup(config)
    for warning in config.warnings:
        log.warning("configuration: %s", mask_text(warning))
    for line in reported_later(config):
        log.error("configuration: %s", mask_text(line))
    try:
        status = _call(command, config, options)
    except AggregatorError as error:
        log.error("%s", mask_text(str(error)))
        status = BAD_CONFIG if isinstance(error, ConfigError) else FAILED
    except Exception:
        log.exception("unexpected error")
        status = FAILED
    if status:
        log.error("Service exited with non-zero code %d", status)
    return status


def _call(command: Command, config: Config, options: argparse.Namespace) -> int:
    status: int = arguments.load(command).run(config, options)
    return status


if __name__ == "__main__":
    sys.exit(main())
