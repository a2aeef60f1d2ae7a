"""TLS to a real PostgreSQL: modes, authorities, client certificates, files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from aggregator.db.server import Server
from aggregator.errors import ConfigError

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
    mode: str, user: str, expected: bool, place: TlsServer
) -> None:
    await prepare_roles(place)
    config = place.config(user, pg_params=f"sslmode={mode}")
    assert await encrypted(config) is expected


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full", "require"])
async def test_the_authority_is_verified_from_its_file(mode: str, place: TlsServer) -> None:
    right, wrong = (quote(str(one.path)) for one in (place.authority, place.stranger))
    assert await encrypted(place.config(pg_params=f"sslmode={mode}&sslrootcert={right}"))
    with pytest.raises(OSError, match="certificate verify failed"):
        await ask(place.config(pg_params=f"sslmode={mode}&sslrootcert={wrong}"))


async def test_verify_full_alone_checks_the_name(place: TlsServer) -> None:
    authority = quote(str(place.authority.path))
    config = place.config(pg_host="127.0.0.1")
    there = f"sslrootcert={authority}"
    assert await encrypted(replace(config, pg_params=f"sslmode=verify-ca&{there}"))
    with pytest.raises(OSError, match=r"certificate is not valid for '127\.0\.0\.1'"):
        await ask(replace(config, pg_params=f"sslmode=verify-full&{there}"))
    # the name is that of `host` even where `hostaddr` is connected to
    named = replace(
        config, pg_host="localhost", pg_params=f"sslmode=verify-full&{there}&hostaddr=127.0.0.1"
    )
    assert await encrypted(named)
    with pytest.raises(OSError, match="certificate is not valid for 'other'"):
        await ask(replace(named, pg_host="other"))


@pytest.mark.parametrize(
    "parameters", ["sslrootcert=system", "sslmode=verify-full", "sslmode=verify-ca"]
)
async def test_the_systems_authorities_are_trusted(
    parameters: str, place: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = place.config(pg_params=parameters)
    monkeypatch.setenv("SSL_CERT_FILE", str(place.authority.path))
    assert await encrypted(config)
    monkeypatch.setenv("SSL_CERT_FILE", str(place.stranger.path))
    with pytest.raises(OSError, match="certificate verify failed"):
        await ask(config)


@pytest.mark.parametrize("mode", ["prefer", "require"])
async def test_a_client_certificate_logs_in(mode: str, place: TlsServer) -> None:
    await prepare_roles(place)
    file = quote(str(place.client))
    config = place.config("with_certificate", pg_params=f"sslmode={mode}")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await ask(config)
    files = f"&sslcert={file}&sslkey={file}"
    assert await encrypted(replace(config, pg_params=config.pg_params + files))


async def test_a_client_certificate_may_be_in_the_parameters(place: TlsServer) -> None:
    await prepare_roles(place)
    text = place.client.read_text()
    end = text.index("-----BEGIN CERTIFICATE")
    key, certificate = quote(text[:end]), quote(text[end:])
    root = quote(place.authority.path.read_text())
    config = place.config(
        "with_certificate",
        pg_params=f"sslmode=verify-full&sslinline=true"
        f"&sslcert={certificate}&sslkey={key}&sslrootcert={root}",
    )
    assert await encrypted(config)


async def test_a_certificate_in_the_home_directory_is_used(place: TlsServer, home: Path) -> None:
    await prepare_roles(place)
    folder = home / ".postgresql"
    folder.mkdir()
    (folder / "postgresql.crt").write_bytes(place.client.read_bytes())
    (folder / "postgresql.key").write_bytes(place.client.read_bytes())
    (folder / "postgresql.key").chmod(0o600)
    (folder / "root.crt").write_bytes(place.authority.path.read_bytes())
    assert await encrypted(place.config("with_certificate", pg_params="sslmode=verify-full"))
    (folder / "root.crt").write_bytes(place.stranger.path.read_bytes())
    with pytest.raises(OSError, match="certificate verify failed"):
        await ask(place.config("with_certificate", pg_params="sslmode=require"))


async def test_a_revoked_certificate_is_refused(place: TlsServer) -> None:
    authority = quote(str(place.authority.path))
    for file, valid in ((place.good, True), (place.revoked, False)):
        parameters = f"sslmode=verify-full&sslrootcert={authority}&sslcrl={quote(str(file))}"
        config = place.config(pg_params=parameters)
        if valid:
            assert await encrypted(config)
        else:
            with pytest.raises(OSError, match="certificate revoked"):
                await ask(config)


async def test_versions_of_tls_and_the_sent_name_can_be_set(place: TlsServer) -> None:
    question = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    config = place.config(pg_params="sslmode=require&ssl_max_protocol_version=TLSv1.2&sslsni=0")
    assert await ask(config, question) == "TLSv1.2"


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir"])
def test_a_file_that_cannot_be_used_is_named(name: str, place: TlsServer, tmp_path: Path) -> None:
    client = quote(str(place.client))
    given = {"sslcert": client, "sslkey": client} | {name: str(tmp_path / "absent.pem")}
    parameters = "&".join(f"{key}={value}" for key, value in given.items())
    config = place.config(pg_params=f"sslmode=verify-full&{parameters}")
    with pytest.raises(ConfigError) as caught:
        Server(config)
    expected = f"{name}: cannot use '{tmp_path}/absent.pem': No such file or directory"
    assert str(caught.value) == expected


def test_a_file_that_is_no_certificate_is_named(place: TlsServer, tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("text")
    for name in ("sslrootcert", "sslcert"):
        config = place.config(pg_params=f"sslmode=require&{name}={tmp_path}/text.pem")
        with pytest.raises(ConfigError, match=rf"^{name}: cannot use '{tmp_path}/text\.pem'"):
            Server(config)


def test_a_private_key_that_others_can_read_is_refused(place: TlsServer, tmp_path: Path) -> None:
    key = tmp_path / "open.pem"
    key.write_bytes(place.client.read_bytes())
    key.chmod(0o644)
    config = place.config(pg_params=f"sslmode=require&sslcert={place.client}&sslkey={key}")
    with pytest.raises(ConfigError, match=rf"^sslkey: '{key}' has mode 0644; 0600 or less"):
        Server(config)


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_an_unreadable_file_in_the_home_directory_is_named(
    mode: str, place: TlsServer, home: Path
) -> None:
    # not even root can read this
    (home / ".postgresql").symlink_to(".postgresql")
    with pytest.raises(ConfigError, match=rf"'{home}/\.postgresql/\S+': Too many levels"):
        Server(place.config(pg_params=f"sslmode={mode}"))
