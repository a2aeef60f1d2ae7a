"""`completion`: prints a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse

from ..config.options import Config
from ..errors import AggregatorError
from . import COMMANDS, INTERNAL, PROGRAM, arguments, find

SHELLS = ("bash", "zsh", "fish")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Print a script that completes commands, options and their values. It needs the package "
        "shtab (extra [completion]) only while it is printed.",
        "completion bash > ~/.local/share/bash-completion/completions/" + PROGRAM,
        "completion zsh > ~/.zfunc/_" + PROGRAM,
        f"completion fish > ~/.config/fish/completions/{PROGRAM}.fish",
    )
    parser.add_argument("shell", choices=SHELLS)


def run(_config: Config, options: argparse.Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ModuleNotFoundError:
        raise AggregatorError(
            "the package shtab is not installed: "
            "pip install 'insights-results-aggregator[completion]'"
        ) from None
    print(shtab.complete(whole_parser(), shell=options.shell))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """Return a parser of all commands; the program itself loads that of one command only."""
    whole = arguments.Parser(prog=PROGRAM)
    whole.add_argument(arguments.VERSION, action="store_true", help="show the version and exit")
    commands = whole.add_subparsers(parser_class=arguments.Parser)
    for name in COMMANDS:
        command = find(name)
        if command is not None and name not in INTERNAL:
            own = commands.add_parser(name, help=command.summary)
            arguments.load(command).add_options(own)
            own.description = command.summary
    return whole
