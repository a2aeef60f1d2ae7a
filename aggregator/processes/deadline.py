"""Ends the process when stopping takes too long."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress

# what stops in order has ten seconds together
SECONDS = 9.8

log = logging.getLogger(__name__)


class Deadline:
    """Ends the process a while after `start`, unless it has ended by itself.

    Threads of the executor are joined at exit, and nothing can interrupt a name lookup in one.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._started = False

    def start(self, status: int) -> None:
        """Let the process end with this status at the latest; only the first call counts."""
        if self._started:
            return
        self._started = True
        timer = threading.Timer(self._seconds, self._end, (status,))
        timer.name = "deadline"
        timer.daemon = True
        timer.start()

    def _end(self, status: int) -> None:
        others = {thread.name for thread in threading.enumerate() if not thread.daemon}
        log.warning(
            "not stopped within %g s, ending now; running threads: %s",
            self._seconds,
            ", ".join(sorted(others)),
        )
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
