"""What all tests share: an event loop for each `async def` test, logging, fixed examples."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tornado.ioloop import IOLoop

from aggregator import logs

pytest.register_assert_rewrite("testing.contract")
# the same examples on every machine, however busy it is
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Use more workers than cores: tests wait for servers half of their time."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) * 3 // 2)


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


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """Restore the handlers and levels of the loggers that `aggregator.logs.setup` changes."""
    loggers = [logging.getLogger(name) for name in ("", *logs.CONFIGURED)]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    logging.captureWarnings(False)
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
