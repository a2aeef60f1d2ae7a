"""`python -m testing.rest_suite`: runs the program, or says which package is missing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from ..packages import MissingPackage

USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    try:
        from . import program
    except MissingPackage as error:
        print(f"rest_suite: {error}", file=sys.stderr)
        return USAGE
    return program.main(argv)


if __name__ == "__main__":
    # what CI sends when a job is cancelled cleans up as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
