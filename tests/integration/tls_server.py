"""A PostgreSQL of a test's own that speaks TLS, with roles that log in by different means."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aggregator.config.options import StorageConfig
from aggregator.db.server import Server

from .authority import Authority
from .own_postgres import OwnPostgres

HBA = b"""
local   all all                 trust
hostssl all with_certificate    127.0.0.1/32 cert
hostssl all only_with_tls       127.0.0.1/32 trust
hostnossl all only_without_tls  127.0.0.1/32 trust
host    all with_password       127.0.0.1/32 scram-sha-256
host    all "a@b"               127.0.0.1/32 scram-sha-256
host    all postgres            127.0.0.1/32 trust
"""


@dataclass(frozen=True)
class TlsServer:
    """A running server with TLS, and the files that its clients may have."""

    server: OwnPostgres
    authority: Authority
    stranger: Authority
    client: Path
    revoked: Path
    good: Path

    def config(self, user: str = "postgres", **options: Any) -> StorageConfig:
        """Return the options that lead there, with these others."""
        config = StorageConfig(
            db_driver="postgres",
            pg_host="localhost",
            pg_port=self.server.port,
            pg_username=user,
            pg_db_name="postgres",
        )
        return replace(config, **options)


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsServer]:
    """Run the server; certificates go under the folder."""
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    keystore = authority.keystore("localhost")
    client = authority.keystore("with_certificate")
    client.chmod(0o600)
    files = {
        "server.pem": keystore.read_bytes(),
        "ca.pem": authority.path.read_bytes(),
        "pg_hba.conf": HBA,
    }
    options = "-c ssl=on -c ssl_cert_file=server.pem -c ssl_key_file=server.pem"
    with OwnPostgres(files, f"{options} -c ssl_ca_file=ca.pem") as server:
        yield TlsServer(
            server, authority, stranger, client, authority.revoked(keystore), authority.revoked()
        )


async def ask(config: StorageConfig, question: str = "SELECT 1", **options: Any) -> Any:
    """Return the answer on a new connection."""
    server = Server(config, **options)
    try:
        connection = await server.connect()
    except Exception:
        await _all_closed()
        raise
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def _all_closed() -> None:
    """Wait for the connections that the driver gave up: it does not wait for their end."""
    open_files = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        # the loop has one of its own
        while len(open_files) > 1:
            await asyncio.sleep(0.01)


async def encrypted(config: StorageConfig) -> bool:
    """Say whether a new connection is encrypted."""
    question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    found: bool = await ask(config, question)
    return found


async def prepare_roles(place: TlsServer) -> None:
    """Create the roles of pg_hba.conf that are missing."""
    connection = await Server(place.config(pg_params="sslmode=disable")).connect()
    for role in ("only_with_tls", "only_without_tls", "with_certificate"):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
    for role in ("with_password", "a@b"):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'p@s/s%41'")
    await connection.close()
