"""`help`: what the program can do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..config import Config

USAGE = """
Aggregator service for insights results

Usage:

    {program} [command]

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
    dev                 serves the API with sample data, no server needed
    produce             sends messages from files to the topic
"""


def run(_config: Config, _argv: Sequence[str]) -> int:
    """Print the usage text."""
    print(USAGE.format(program=Path(sys.argv[0]).name))
    return 0
