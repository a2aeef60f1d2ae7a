"""pytest plugin with fixtures for tests against this service (entry point `pytest11`).

They need no asynchronous test plugin: what has an event loop has a thread for it. A fixture of the
same name in a test suite takes the place of ours, as always in pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .mocks.broker import Broker
    from .mocks.service import RunningService
    from .mocks.storage import Storage

# every pytest run of the environment loads this module, so it imports nothing before it is needed


@pytest.fixture
def kafka_broker() -> Iterator[Broker]:
    """A Kafka broker in this process, empty: `address` is for clients, `down()` an outage."""
    from .mocks.broker import Broker

    with Broker() as broker:
        yield broker


@pytest.fixture
def aggregator_service(tmp_path: Path, kafka_broker: Broker) -> Iterator[RunningService]:
    """The service, running on SQLite and `kafka_broker`, empty: see `url` and `send()`."""
    from .mocks.service import running_service
    from .mocks.thread import in_thread

    with in_thread(running_service(tmp_path, kafka_broker.address)) as service:
        yield service


@pytest.fixture
def aggregator_mock() -> Iterator[str]:
    """The URL of a mock server: the whole API in memory, with the clusters that testers know."""
    from .fixtures import fixtures_dir
    from .mocks.server import mock_server
    from .mocks.thread import in_thread
    from .seed import Seed

    with in_thread(mock_server(seed=Seed.read(fixtures_dir() / "seed.json"))) as url:
        yield url


@pytest.fixture
def aggregator_storage() -> Iterator[Storage]:
    """A storage in memory, empty, that keeps the contract of the service's own ones."""
    from .mocks.storage import memory_storage
    from .mocks.thread import in_thread

    with in_thread(memory_storage()) as storage:
        yield storage


@pytest.fixture
def storage(aggregator_storage: Storage) -> Storage:
    """The same as `aggregator_storage`."""
    return aggregator_storage
