"""A short set of all measurements: `make bench`, or `python -m benchmarks --peer COMMAND`."""

from __future__ import annotations

import argparse
import subprocess
import sys

# module and what makes it short; those that take a peer, but memory: that needs minutes for it
SHORT: dict[str, tuple[str, ...]] = {
    "startup": ("--rounds", "3"),
    "rest": ("--clusters", "5000", "--seconds", "2", "--rounds", "1"),
    "ingest": ("--clusters", "5000", "--rounds", "1"),
    "during_ingest": ("--clusters", "5000", "--messages", "30000", "--seconds", "2"),
    "big_answers": ("--seconds", "2"),
    "scale": (
        *("--clusters", "50000", "--small-clusters", "5000", "--listed", "500"),
        *("--messages", "10000", "--seconds", "2", "--rounds", "1"),
    ),
    "memory": ("--requests", "10000", "--messages", "20000", "--rounds", "4"),
}
WITH_PEER = ("startup", "rest", "ingest", "during_ingest", "big_answers")


def main() -> int:
    """Run one after the other; return the first exit status that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peer", default="", help="command of the service to compare with")
    parser.add_argument("--only", default="", help="measurements, separated by commas")
    arguments = parser.parse_args()
    for name in arguments.only.split(",") if arguments.only else SHORT:
        if name not in SHORT:
            parser.error(f"--only: {', '.join(SHORT)} expected, not '{name}'")
        peer = ("--peer", arguments.peer) if arguments.peer and name in WITH_PEER else ()
        command = [sys.executable, "-m", f"benchmarks.{name}", *SHORT[name], *peer]
        if status := subprocess.run(command, check=False).returncode:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
