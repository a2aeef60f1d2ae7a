"""TLS to a real PostgreSQL: modes, authorities, client certificates, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from aggregator.db.server import Server
from aggregator.errors import ConfigError
from tests.integration.servers.postgres_tls import (
    TlsServer,
    encrypted,
    prepare_roles,
    query,
)

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [
        ("disable", "postgres", False),
        ("allow", "postgres", False),
        ("allow", "only_with_tls", True),
        ("prefer", "postgres", True),
        ("prefer", "only_without_tls", False),
        ("require", "postgres", True),
    ],
)
async def test_the_mode_decides_on_tls(
    mode: str, user: str, expected: bool, postgres: TlsServer
) -> None:
    await prepare_roles(postgres)
    config = postgres.config(user, pg_params=f"sslmode={mode}")
    assert await encrypted(config) is expected


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full", "require"])
async def test_the_authority_is_verified_from_its_file(mode: str, postgres: TlsServer) -> None:
    right, wrong = (quote(str(one.path)) for one in (postgres.authority, postgres.stranger))
    assert await encrypted(postgres.config(pg_params=f"sslmode={mode}&sslrootcert={right}"))
    with pytest.raises(OSError, match="certificate verify failed"):
        await query(postgres.config(pg_params=f"sslmode={mode}&sslrootcert={wrong}"))


async def test_verify_full_alone_checks_the_name(postgres: TlsServer) -> None:
    authority = quote(str(postgres.authority.path))
    config = postgres.config(pg_host="127.0.0.1")
    there = f"sslrootcert={authority}"
    assert await encrypted(replace(config, pg_params=f"sslmode=verify-ca&{there}"))
    with pytest.raises(OSError, match=r"certificate is not valid for '127\.0\.0\.1'"):
        await query(replace(config, pg_params=f"sslmode=verify-full&{there}"))
    # the name is that of `host` even where `hostaddr` is connected to
    named = replace(
        config, pg_host="localhost", pg_params=f"sslmode=verify-full&{there}&hostaddr=127.0.0.1"
    )
    assert await encrypted(named)
    with pytest.raises(OSError, match="certificate is not valid for 'other'"):
        await query(replace(named, pg_host="other"))


@pytest.mark.parametrize(
    "parameters", ["sslrootcert=system", "sslmode=verify-full", "sslmode=verify-ca"]
)
async def test_the_systems_authorities_are_trusted(
    parameters: str, postgres: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = postgres.config(pg_params=parameters)
    monkeypatch.setenv("SSL_CERT_FILE", str(postgres.authority.path))
    assert await encrypted(config)
    monkeypatch.setenv("SSL_CERT_FILE", str(postgres.stranger.path))
    with pytest.raises(OSError, match="certificate verify failed"):
        await query(config)


@pytest.mark.parametrize("mode", ["prefer", "require"])
async def test_a_client_certificate_logs_in(mode: str, postgres: TlsServer) -> None:
    await prepare_roles(postgres)
    file = quote(str(postgres.client))
    config = postgres.config("with_certificate", pg_params=f"sslmode={mode}")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await query(config)
    files = f"&sslcert={file}&sslkey={file}"
    assert await encrypted(replace(config, pg_params=config.pg_params + files))


async def test_a_client_certificate_may_be_in_the_parameters(postgres: TlsServer) -> None:
    await prepare_roles(postgres)
    text = postgres.client.read_text()
    end = text.index("-----BEGIN CERTIFICATE")
    key, certificate = quote(text[:end]), quote(text[end:])
    root = quote(postgres.authority.path.read_text())
    config = postgres.config(
        "with_certificate",
        pg_params=f"sslmode=verify-full&sslinline=true"
        f"&sslcert={certificate}&sslkey={key}&sslrootcert={root}",
    )
    assert await encrypted(config)


async def test_a_certificate_in_the_home_directory_is_used(postgres: TlsServer, home: Path) -> None:
    await prepare_roles(postgres)
    folder = home / ".postgresql"
    folder.mkdir()
    (folder / "postgresql.crt").write_bytes(postgres.client.read_bytes())
    (folder / "postgresql.key").write_bytes(postgres.client.read_bytes())
    (folder / "postgresql.key").chmod(0o600)
    (folder / "root.crt").write_bytes(postgres.authority.path.read_bytes())
    assert await encrypted(postgres.config("with_certificate", pg_params="sslmode=verify-full"))
    (folder / "root.crt").write_bytes(postgres.stranger.path.read_bytes())
    with pytest.raises(OSError, match="certificate verify failed"):
        await query(postgres.config("with_certificate", pg_params="sslmode=require"))


async def test_a_revoked_certificate_is_refused(postgres: TlsServer) -> None:
    authority = quote(str(postgres.authority.path))
    for file, valid in ((postgres.good, True), (postgres.revoked, False)):
        parameters = f"sslmode=verify-full&sslrootcert={authority}&sslcrl={quote(str(file))}"
        config = postgres.config(pg_params=parameters)
        if valid:
            assert await encrypted(config)
        else:
            with pytest.raises(OSError, match="certificate revoked"):
                await query(config)


async def test_versions_of_tls_and_the_sent_name_can_be_set(postgres: TlsServer) -> None:
    statement = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    config = postgres.config(pg_params="sslmode=require&ssl_max_protocol_version=TLSv1.2&sslsni=0")
    assert await query(config, statement) == "TLSv1.2"


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"])
def test_a_file_that_cannot_be_used_is_named(
    name: str, postgres: TlsServer, tmp_path: Path
) -> None:
    client = quote(str(postgres.client))
    given = {"sslcert": client, "sslkey": client} | {name: str(tmp_path / "absent.pem")}
    parameters = "&".join(f"{key}={value}" for key, value in given.items())
    config = postgres.config(pg_params=f"sslmode=verify-full&{parameters}")
    with pytest.raises(ConfigError) as caught:
        Server(config)
    expected = f"{name}: cannot use '{tmp_path}/absent.pem': No such file or directory"
    assert str(caught.value) == expected


def test_a_file_that_is_no_certificate_is_named(postgres: TlsServer, tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("text")
    for name in ("sslrootcert", "sslcert"):
        config = postgres.config(pg_params=f"sslmode=require&{name}={tmp_path}/text.pem")
        with pytest.raises(ConfigError, match=rf"^{name}: cannot use '{tmp_path}/text\.pem'"):
            Server(config)


def test_a_private_key_that_others_can_read_is_refused(postgres: TlsServer, tmp_path: Path) -> None:
    key = tmp_path / "open.pem"
    key.write_bytes(postgres.client.read_bytes())
    key.chmod(0o644)
    config = postgres.config(pg_params=f"sslmode=require&sslcert={postgres.client}&sslkey={key}")
    with pytest.raises(ConfigError, match=rf"^sslkey: '{key}' has mode 0644; 0600 or less"):
        Server(config)


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_an_unreadable_file_in_the_home_directory_is_named(
    mode: str, postgres: TlsServer, home: Path
) -> None:
    # not even root can read this
    (home / ".postgresql").symlink_to(".postgresql")
    with pytest.raises(ConfigError, match=rf"'{home}/\.postgresql/\S+': Too many levels"):
        Server(postgres.config(pg_params=f"sslmode={mode}"))
