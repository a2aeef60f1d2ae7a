"""`print-version-info`: which build this is, as log lines."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .. import build
from ..config.options import Config

log = logging.getLogger(__name__)

# the Go service has no blank in the last one
LINES = (
    ("Version: ", "BuildVersion"),
    ("Build time: ", "BuildTime"),
    ("Branch: ", "BuildBranch"),
    ("Commit: ", "BuildCommit"),
    ("Utils version:", "UtilsVersion"),
)


def run(_config: Config, _argv: Sequence[str]) -> int:
    """Log the five lines."""
    info = build.info()
    for title, name in LINES:
        log.info("%s%s", title, info[name], extra={"fields": {"type": "init"}})
    return 0
