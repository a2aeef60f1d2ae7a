"""pytest fixtures for tests against this service, which `insights_results_testing` makes a plugin.

They need no asynchronous test plugin: what has an event loop has a thread for it. A fixture of the
same name in a test suite takes the place of ours, as always in pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .mocks.broker import Broker
    from .mocks.service import RunningService
    from .mocks.storage import Storage

# every pytest run of the environment loads this module, so it imports nothing before it is needed


def _load(name: str) -> Any:
    """Import a module of this package: under `testing`, unless that is a package of the project."""
    try:
        spec = find_spec("testing")
    except ValueError:
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    ours = any(Path(place).resolve() == Path(__file__).resolve().parent for place in places)
    return import_module(f"testing.{name}" if ours else f"{__package__}.{name}")


@pytest.fixture
def kafka_broker() -> Iterator[Broker]:
    """A Kafka broker in this process, empty: `address` is for clients, `down()` an outage."""
    with _load("mocks.broker").Broker() as broker:
        yield broker


@pytest.fixture
def aggregator_service(tmp_path: Path, kafka_broker: Broker) -> Iterator[RunningService]:
    """The service, running on SQLite and `kafka_broker`, empty: see `url` and `send()`."""
    in_thread = _load("mocks.thread").in_thread
    with in_thread(
        _load("mocks.service").running_service(tmp_path, kafka_broker.address)
    ) as service:
        yield service


@pytest.fixture
def aggregator_mock() -> Iterator[str]:
    """The URL of a mock server: the whole API in memory, with the clusters that testers know."""
    in_thread = _load("mocks.thread").in_thread
    seed = _load("seed").Seed.read(_load("fixtures").fixtures_dir() / "seed.json")
    with in_thread(_load("mocks.server").mock_server(seed=seed)) as url:
        yield url


@pytest.fixture
def aggregator_storage() -> Iterator[Storage]:
    """A storage in memory, empty, that keeps the contract of the service's own ones."""
    in_thread = _load("mocks.thread").in_thread
    with in_thread(_load("mocks.storage").memory_storage()) as storage:
        yield storage
