"""The package `testing` under a name that no project has: pytest plugin and console scripts.

A project may have a folder `testing` of its own, which `import testing` finds first. The modules
of ours are submodules of this one as well, so `insights_results_testing.fixtures` is always ours.
pytest loads this module in every run of the environment (entry point `pytest11`); it imports no
module called `testing`, and the service only when a fixture is used.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

__path__ = [str(Path(__file__).resolve().with_name("testing"))]

from insights_results_testing.plugin import (
    aggregator_mock,
    aggregator_service,
    aggregator_storage,
    kafka_broker,
)

__all__ = ["aggregator_mock", "aggregator_service", "aggregator_storage", "kafka_broker"]


def rest_suite() -> None:
    """Run the REST suite (console script `insights-results-rest-suite`)."""
    from testing.rest_suite.__main__ import main

    # what CI sends when a job is cancelled cleans up as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


def generate() -> None:
    """Generate messages (console script `insights-results-generate`)."""
    from testing.generate import main

    sys.exit(main())


def mock() -> None:
    """Serve the mock of the API (console script `insights-results-mock`)."""
    from testing.mocks.server import main

    sys.exit(main())
