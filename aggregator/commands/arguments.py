"""Argument parser of all commands: help, version and usage errors in one manner."""

from __future__ import annotations

import argparse
import importlib
import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, NoReturn

from ..config.options import Config, with_values
from ..errors import AggregatorError, ConfigError
from ..escaping import printable
from . import PROGRAM, Command

WRONG_USAGE = 2
WIDTH = 95
HELP, VERSION = ("-h", "--help"), "--version"
_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
STATUS = "Exit status: 0 done, 1 failure, 2 wrong usage or configuration, 130 interrupted."


class UsageError(AggregatorError):
    """Options that do not go together; the text names them."""


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line on standard error, with exit status 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{
                "formatter_class": argparse.RawDescriptionHelpFormatter,
                # a shortened option could become ambiguous in the next release
                "allow_abbrev": False,
                **options,
            }
        )

    def error(self, message: str) -> NoReturn:
        """Exit with status 2; raise SystemExit."""
        self.exit(WRONG_USAGE, f"{self.prog}: {printable(message)} (see {self.prog} --help)\n")


def load(command: Command) -> ModuleType:
    """Import the module of a command."""
    return importlib.import_module(command.module, __package__)


def parser_of(name: str, command: Command) -> Parser:
    """Return the parser of a command, under the name that the user gave."""
    parser = Parser(prog=f"{PROGRAM} {name}".rstrip())
    load(command).add_options(parser)
    # `__main__` handles it before the arguments are parsed, wherever it is among them
    parser.add_argument(VERSION, action="store_true", help="show the version and exit")
    return parser


def print_help(name: str, command: Command, argv: Sequence[str]) -> None:
    """Print the help of a command, or of the action of it that is named first."""
    parser: argparse.ArgumentParser = parser_of(name, command)
    for actions in parser._actions:
        if isinstance(actions, argparse._SubParsersAction) and argv[:1]:
            parser = actions.choices.get(argv[0], parser)
    parser.print_help()


def parse(name: str, command: Command, argv: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command; wrong usage raises SystemExit with status 2.

    `ignored` has what a command of the Go service does not know and ignores, as it always did.
    """
    parser = parser_of(name, command)
    if not command.of_go_service:
        options = parser.parse_args(argv)
        options.ignored = []
        return options
    options, options.ignored = parser.parse_known_args(argv)
    return options


def asks_for(words: Sequence[str], argv: Sequence[str]) -> bool:
    """Return True if one of these words is among the arguments, before `--`."""
    before = argv[: argv.index("--")] if "--" in argv else argv
    return any(word in before for word in words)


def describe(
    parser: argparse.ArgumentParser, text: str, *examples: str, status: str = STATUS
) -> None:
    """Set the description, examples (without the program's name) and exit statuses of a command."""
    parser.description = textwrap.fill(text, WIDTH)
    shown = "".join(f"  {PROGRAM} {example}\n" for example in examples)
    parser.epilog = f"examples:\n{shown}\n{status}" if examples else status


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add `--yes`."""
    parser.add_argument(
        "--yes", action="store_true", help="do not ask for confirmation on a terminal"
    )


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add `--broker`."""
    parser.add_argument(
        "--broker",
        default="",
        metavar="HOST:PORT",
        help="another broker than broker.addresses, such as that of a running `dev`; the settings "
        "for TLS and login stay",
    )


def with_broker(config: Config, options: argparse.Namespace) -> Config:
    """Return the configuration with the broker of `--broker`; raise UsageError."""
    if not options.broker:
        return config
    try:
        return with_values(config, "broker", {"addresses": options.broker})
    except ConfigError as error:
        raise UsageError(f"--broker: {error}") from error


def positive(text: str) -> int:
    """Return a number that is at least 1; raise ArgumentTypeError."""
    number = natural(text)
    if not number:
        raise argparse.ArgumentTypeError("at least 1 expected")
    return number


def natural(text: str) -> int:
    """Return a number that is not negative; raise ArgumentTypeError."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a whole number expected, not {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Return seconds, at most an hour; raise ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"seconds expected (0 to 3600), not {text!r}")
    return number


def moment(text: str) -> datetime:
    """Return the time, which is UTC if it tells no zone; raise ArgumentTypeError."""
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"a time expected (2026-03-01T10:00:00Z, or 90m, 2h, 7d for so long ago), not {text!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
