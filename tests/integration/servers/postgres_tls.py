"""A PostgreSQL server with TLS, with one role for each method of authentication."""

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
from .postgres import PostgresServer

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
    """A running server with TLS, and the certificate files for its clients."""

    server: PostgresServer
    authority: Authority
    stranger: Authority
    client: Path
    revoked: Path
    good: Path

    def config(self, user: str = "postgres", **options: Any) -> StorageConfig:
        """Return the options to connect to it, with these in addition."""
        config = StorageConfig(
            db_driver="postgres",
            pg_host="localhost",
            pg_port=self.server.port,
            pg_username=user,
            pg_db_name="postgres",
        )
        return replace(config, **options)


@contextmanager
def running_tls_server(folder: Path) -> Iterator[TlsServer]:
    """Run the server; its certificates are written to the folder."""
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
    with PostgresServer(files, f"{options} -c ssl_ca_file=ca.pem") as server:
        yield TlsServer(
            server, authority, stranger, client, authority.revoked(keystore), authority.revoked()
        )


async def query(config: StorageConfig, statement: str = "SELECT 1", **options: Any) -> Any:
    """Return the value that a statement selects on a new connection."""
    server = Server(config, **options)
    try:
        connection = await server.connect()
    except Exception:
        await _all_closed()
        raise
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _all_closed() -> None:
    """Wait until the connections that the driver gave up are closed: it does not wait itself."""
    open_files = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        # the event loop has one itself
        while len(open_files) > 1:
            await asyncio.sleep(0.01)


async def encrypted(config: StorageConfig) -> bool:
    """Return True if a new connection is encrypted."""
    statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    return bool(await query(config, statement))


async def prepare_roles(server: TlsServer) -> None:
    """Create the missing roles of pg_hba.conf."""
    connection = await Server(server.config(pg_params="sslmode=disable")).connect()
    for role in ("only_with_tls", "only_without_tls", "with_certificate"):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN")
    for role in ("with_password", "a@b"):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'p@s/s%41'")
    await connection.close()
