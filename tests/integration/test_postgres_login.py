"""Logging in to a real PostgreSQL: hosts, sockets, run-time parameters, passwords."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from aggregator.config.options import StorageConfig
from aggregator.db.server import Server
from aggregator.errors import ConfigError
from tests.integration.servers.postgres_tls import (
    TlsServer,
    encrypted,
    prepare_roles,
    query,
)

from .program import free_port

pytestmark = pytest.mark.usefixtures("home")


async def test_a_unix_socket_has_no_tls(postgres: TlsServer) -> None:
    config = postgres.config(pg_host=str(postgres.server.sockets))
    for parameters in ("", "sslmode=verify-full&sslrootcert=/absent", "sslmode=prefer"):
        assert await query(replace(config, pg_params=parameters)) == 1
    inside = postgres.config(pg_host="", pg_params=f"host={quote(str(postgres.server.sockets))}")
    assert await query(inside) == 1


async def test_the_hosts_are_tried_in_turn(postgres: TlsServer) -> None:
    closed = free_port()
    config = postgres.config(pg_host="127.0.0.1,nowhere.invalid,localhost")
    ports = f"port={closed},1,{postgres.server.port}"
    assert await query(replace(config, pg_params=ports)) == 1
    assert await query(replace(config, pg_params=f"{ports}&load_balance_hosts=random")) == 1
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{closed}: .*; host 'nowhere\.invalid': "):
        await query(replace(config, pg_params=f"port={closed},1,{closed}"))


async def test_a_silent_host_is_given_up_after_the_time_limit_and_the_next_is_tried(
    postgres: TlsServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        parameters = f"connect_timeout=1&port={port},{postgres.server.port}"
        config = postgres.config(pg_host="127.0.0.1,127.0.0.1", pg_params=parameters)
        assert await query(config) == 1
        alone = postgres.config(pg_host="127.0.0.1", pg_port=port, pg_params="connect_timeout=1")
        with pytest.raises(TimeoutError, match=rf"no connection to 127\.0\.0\.1:{port} in 1 s"):
            await query(alone)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("any", "off"),
        ("read-write", "off"),
        ("primary", "off"),
        ("prefer-standby", "off"),
        ("read-only", None),
        ("standby", None),
    ],
)
async def test_a_session_of_the_wanted_kind_is_looked_for(
    wanted: str, found: str | None, postgres: TlsServer
) -> None:
    config = postgres.config(
        pg_host="127.0.0.1,localhost", pg_params=f"target_session_attrs={wanted}"
    )
    statement = "SHOW transaction_read_only"
    if found is None:
        with pytest.raises(OSError, match="match the target attribute requirement"):
            await query(config, statement)
    else:
        assert await query(config, statement) == found


async def test_the_replica_need_not_be_writable(postgres: TlsServer) -> None:
    parameters = "target_session_attrs=read-write&default_transaction_read_only=on&host=nowhere"
    config = postgres.config(pg_params=parameters)
    with pytest.raises((OSError, asyncpg.TargetServerAttributeNotMatched)):
        await query(config)
    assert await query(config, read_host="localhost") == 1


async def test_run_time_parameters_are_set(postgres: TlsServer) -> None:
    parameters = (
        "statement_timeout=7s&search_path=other,public&options=-c geqo=off -c work_mem=8MB"
        "&application_name=my%20name&timezone=Europe/Prague&binary_parameters=yes"
        "&disable_prepared_binary_result=yes&client_encoding=UTF8&datestyle=ISO%2C+MDY"
        "&keepalives=1&keepalives_idle=60&keepalives_interval=10&keepalives_count=3"
        "&tcp_user_timeout=5000&gssencmode=disable&channel_binding=prefer&krbsrvname=postgres"
    )
    expected = {
        "statement_timeout": "7s",
        "search_path": "other,public",
        "geqo": "off",
        "work_mem": "8MB",
        "application_name": "my name",
        "TimeZone": "Europe/Prague",
    }
    connection = await Server(postgres.config(pg_params=parameters)).connect()
    found = {name: await connection.fetchval(f"SHOW {name}") for name in expected}
    await connection.close()
    assert found == expected


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("nonsense=1", '"nonsense"'),
        ("statement_timeout=long", '"statement_timeout"'),
        ("options=-c nonsense=1", '"nonsense"'),
        ("options=nonsense", "nonsense"),
        ("fsync=off", '"fsync"'),
        ("role=nobody", '"nobody"'),
    ],
)
async def test_a_parameter_that_the_server_refuses_is_named(
    parameters: str, words: str, postgres: TlsServer
) -> None:
    with pytest.raises(ConfigError, match=rf"^pg_params: .*{words}"):
        await query(postgres.config(pg_params=parameters))


async def test_a_database_that_is_closed_to_the_user_is_no_wrong_parameter(
    postgres: TlsServer,
) -> None:
    await prepare_roles(postgres)
    owner = await Server(postgres.config()).connect()
    await owner.execute("DROP DATABASE IF EXISTS closed")
    await owner.execute("CREATE DATABASE closed")
    await owner.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    await owner.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await query(postgres.config("only_with_tls", pg_db_name="closed"))


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("with_password", "p@s/s%41"),
        ("with_password", "p%40s%2Fs%2541"),
        ("a@b", "p@s/s%41"),
        ("a%40b", "p%40s%2Fs%2541"),
    ],
)
async def test_a_password_may_be_percent_encoded_as_for_the_go_service(
    user: str, password: str, postgres: TlsServer
) -> None:
    await prepare_roles(postgres)
    server = Server(postgres.config(user, pg_password=password))
    for connection in await asyncio.gather(*(server.connect() for _ in range(4))):
        await connection.close()
    await (await server.connect()).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(postgres.config(user, pg_password="p%41"))


async def test_the_password_may_be_in_a_file(postgres: TlsServer, tmp_path: Path) -> None:
    await prepare_roles(postgres)
    file = tmp_path / "passwords"
    file.write_text("*:*:*:with_password:p@s/s%41\n")
    file.chmod(0o600)
    config = postgres.config("with_password", pg_params=f"passfile={file}")
    assert await query(config) == 1
    file.unlink()
    with pytest.raises(ConfigError, match=rf"^passfile: cannot read '{file}': No such file"):
        Server(config)


async def test_a_service_file_gives_the_parameters(postgres: TlsServer, home: Path) -> None:
    file = home / ".pg_service.conf"
    file.write_text(
        f"[mine]\nhost=127.0.0.1\nport={postgres.server.port}\nuser=postgres\ndbname=postgres\n"
        "sslmode=require\napplication_name=from%file\n"
    )
    config = StorageConfig(db_driver="postgres", pg_params="service=mine")
    assert await encrypted(config)
    assert await query(config, "SHOW application_name") == "from%file"
    with pytest.raises(ConfigError, match=r"^service: '.*conf' has no section 'other'"):
        Server(replace(config, pg_params="service=other"))
    file.unlink()
    with pytest.raises(ConfigError, match=r"^service: cannot read '.*conf': No such file"):
        Server(config)
