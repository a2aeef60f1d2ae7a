"""What all tests share: an event loop for each `async def` test, and examples that stay."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tornado.ioloop import IOLoop

pytest.register_assert_rewrite("testing.contract")
# the same examples on every machine, however busy it is
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give every `async def` test a loop, whether or not it asks for `io_loop`."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.fixturenames.insert(0, "io_loop")


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """Stand in for the fixture of pytest-tornasync, which Python 3.12 and later warn about."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    wrapper = IOLoop.current()
    yield wrapper
    loop.run_until_complete(loop.shutdown_asyncgens())
    wrapper.close(all_fds=True)
    asyncio.set_event_loop(None)
