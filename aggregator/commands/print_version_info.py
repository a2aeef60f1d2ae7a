"""`print-version-info`: which build this is, as log lines."""

from __future__ import annotations

import argparse
import logging

from .. import build
from ..config.options import Config
from . import arguments

log = logging.getLogger(__name__)

# the Go service has no blank in the last one
LINES = (
    ("Version: ", "BuildVersion"),
    ("Build time: ", "BuildTime"),
    ("Branch: ", "BuildBranch"),
    ("Commit: ", "BuildCommit"),
    ("Utils version:", "UtilsVersion"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Log which build this is: version, time, branch, commit. `--version` prints the version "
        "alone.",
        "print-version-info",
    )


def run(_config: Config, _options: argparse.Namespace) -> int:
    """Log the five lines."""
    log_build()
    return 0


def log_build() -> None:
    """Log the five lines."""
    info = build.info()
    for title, name in LINES:
        log.info("%s%s", title, info[name], extra={"fields": {"type": "init"}})
