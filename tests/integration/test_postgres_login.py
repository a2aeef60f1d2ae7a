"""Logging in to a real PostgreSQL: hosts, sockets, run-time parameters, passwords."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from aggregator.config.options import StorageConfig
from aggregator.db.server import Server
from aggregator.errors import ConfigError

from .program import free_port
from .tls_server import (
    TlsServer,
    ask,
    encrypted,
    prepare_roles,
    tls_server,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with tls_server(tmp_path_factory.mktemp("tls")) as found:
        yield found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty home directory, since files in it count."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


async def test_a_unix_socket_has_no_tls(place: TlsServer) -> None:
    config = place.config(pg_host=str(place.server.sockets))
    for parameters in ("", "sslmode=verify-full&sslrootcert=/absent", "sslmode=prefer"):
        assert await ask(replace(config, pg_params=parameters)) == 1
    inside = place.config(pg_host="", pg_params=f"host={quote(str(place.server.sockets))}")
    assert await ask(inside) == 1


async def test_the_hosts_are_tried_in_turn(place: TlsServer) -> None:
    closed = free_port()
    config = place.config(pg_host="127.0.0.1,nowhere.invalid,localhost")
    ports = f"port={closed},1,{place.server.port}"
    assert await ask(replace(config, pg_params=ports)) == 1
    assert await ask(replace(config, pg_params=f"{ports}&load_balance_hosts=random")) == 1
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{closed}: .*; host 'nowhere\.invalid': "):
        await ask(replace(config, pg_params=f"port={closed},1,{closed}"))


async def test_a_silent_host_is_given_up_after_the_time_limit_and_the_next_is_tried(
    place: TlsServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        parameters = f"connect_timeout=1&port={port},{place.server.port}"
        config = place.config(pg_host="127.0.0.1,127.0.0.1", pg_params=parameters)
        assert await ask(config) == 1
        alone = place.config(pg_host="127.0.0.1", pg_port=port, pg_params="connect_timeout=1")
        with pytest.raises(TimeoutError, match=rf"no connection to 127\.0\.0\.1:{port} in 1 s"):
            await ask(alone)


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
    wanted: str, found: str | None, place: TlsServer
) -> None:
    config = place.config(pg_host="127.0.0.1,localhost", pg_params=f"target_session_attrs={wanted}")
    question = "SHOW transaction_read_only"
    if found is None:
        with pytest.raises(OSError, match="match the target attribute requirement"):
            await ask(config, question)
    else:
        assert await ask(config, question) == found


async def test_the_replica_need_not_be_writable(place: TlsServer) -> None:
    parameters = "target_session_attrs=read-write&default_transaction_read_only=on&host=nowhere"
    config = place.config(pg_params=parameters)
    with pytest.raises((OSError, asyncpg.TargetServerAttributeNotMatched)):
        await ask(config)
    assert await ask(config, read_host="localhost") == 1


async def test_run_time_parameters_are_set(place: TlsServer) -> None:
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
    connection = await Server(place.config(pg_params=parameters)).connect()
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
    parameters: str, words: str, place: TlsServer
) -> None:
    with pytest.raises(ConfigError, match=rf"^pg_params: .*{words}"):
        await ask(place.config(pg_params=parameters))


async def test_a_database_that_is_closed_to_the_user_is_no_wrong_parameter(
    place: TlsServer,
) -> None:
    await prepare_roles(place)
    owner = await Server(place.config()).connect()
    await owner.execute("DROP DATABASE IF EXISTS closed")
    await owner.execute("CREATE DATABASE closed")
    await owner.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    await owner.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(place.config("only_with_tls", pg_db_name="closed"))


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
    user: str, password: str, place: TlsServer
) -> None:
    await prepare_roles(place)
    server = Server(place.config(user, pg_password=password))
    for connection in await asyncio.gather(*(server.connect() for _ in range(4))):
        await connection.close()
    await (await server.connect()).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(place.config(user, pg_password="p%41"))


async def test_the_password_may_be_in_a_file(place: TlsServer, tmp_path: Path) -> None:
    await prepare_roles(place)
    file = tmp_path / "passwords"
    file.write_text("*:*:*:with_password:p@s/s%41\n")
    file.chmod(0o600)
    config = place.config("with_password", pg_params=f"passfile={file}")
    assert await ask(config) == 1
    file.unlink()
    with pytest.raises(ConfigError, match=rf"^passfile: cannot read '{file}': No such file"):
        Server(config)


async def test_a_service_file_gives_the_parameters(place: TlsServer, home: Path) -> None:
    file = home / ".pg_service.conf"
    file.write_text(
        f"[mine]\nhost=127.0.0.1\nport={place.server.port}\nuser=postgres\ndbname=postgres\n"
        "sslmode=require\napplication_name=from%file\n"
    )
    config = StorageConfig(db_driver="postgres", pg_params="service=mine")
    assert await encrypted(config)
    assert await ask(config, "SHOW application_name") == "from%file"
    with pytest.raises(ConfigError, match=r"^service: '.*conf' has no section 'other'"):
        Server(replace(config, pg_params="service=other"))
    file.unlink()
    with pytest.raises(ConfigError, match=r"^service: cannot read '.*conf': No such file"):
        Server(config)
