"""`help`: prints the commands."""

from __future__ import annotations

import argparse

from ..config.options import Config
from . import COMMANDS, INTERNAL, PROGRAM, arguments, find

USAGE = """
Aggregator service for insights results

Usage:

    insights-results-aggregator [command]

The commands are:

    <EMPTY>             starts aggregator
    start-service       starts aggregator
    help                prints help
    print-help          prints help
    print-config        prints current configuration set by files & env variables
    print-env           prints env variables
    print-version-info  prints version info
    migration           prints information about migrations (current, latest)
    migration <version> migrates database to the specified version
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Show the commands, or the options of one of them. Like the Go service's it needs a "
        "configuration that can be loaded; `COMMAND --help` needs none.",
        "help",
        "help cleanup",
    )
    parser.add_argument("command", nargs="?", help="show the options of this command")


def run(_config: Config, options: argparse.Namespace) -> int:
    """Print the usage text, or the help of the command that is named."""
    name = (options.command or "").strip().lower()
    command = find(name)
    if command is None or name in INTERNAL:
        # the Go service ignores what follows `help`
        print(text())
    else:
        arguments.parser_of(name, command).print_help()
    return 0


def text() -> str:
    """Return the usage text: the Go service's, then the commands that are ours alone."""
    ours = [name for name, command in COMMANDS.items() if command.summary and find(name)]
    lines = "".join(f"    {name:<19} {COMMANDS[name].summary}\n" for name in ours)
    return f"{USAGE}{lines}\n'{PROGRAM} COMMAND --help' shows the options of a command.\n"
