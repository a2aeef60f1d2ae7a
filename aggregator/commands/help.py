"""`help`: prints the commands."""

from __future__ import annotations

from collections.abc import Sequence

from ..config.options import Config
from . import COMMANDS, find

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


def run(_config: Config, _argv: Sequence[str]) -> int:
    """Print the usage text: the Go service's, then the commands that are ours alone."""
    ours = [name for name, command in COMMANDS.items() if command.summary and find(name)]
    print(USAGE + "".join(f"    {name:<19} {COMMANDS[name].summary}\n" for name in ours))
    return 0
