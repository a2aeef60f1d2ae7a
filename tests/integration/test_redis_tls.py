"""TLS to a real Redis: authorities, client certificates, the wrong port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.options import RedisConfig
from aggregator.db.cache import RedisReports, connect
from aggregator.errors import ConfigError, Unavailable
from aggregator.model import ClusterId, OrgId, Report
from tests.integration.servers.authority import Authority
from tests.integration.servers.redis import RedisServer

from .program import free_port

REPORT = Report(
    org=OrgId(1),
    cluster=ClusterId("96bbd016-04ee-5798-b0ec-4100cc33876f"),
    text="{}",
    hits=(),
    last_checked_at=datetime(2025, 3, 1),
    request_id="r",
)


@dataclass(frozen=True)
class TlsRedis:
    """A Redis with TLS on one port and without on another, and certificates for its clients."""

    plain: int
    encrypted: int
    authority: Authority
    stranger: Authority
    client: Path


@pytest.fixture(scope="module", params=["no", "yes"], ids=["any client", "known clients"])
def redis(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TlsRedis]:
    folder = tmp_path_factory.mktemp("redis")
    authority, stranger = Authority(folder, "authority"), Authority(folder, "stranger")
    keystore, port = str(authority.keystore("localhost")), free_port()
    settings = ["--tls-port", str(port), "--tls-cert-file", keystore, "--tls-key-file", keystore]
    settings += ["--tls-ca-cert-file", str(authority.path), "--tls-auth-clients", request.param]
    with RedisServer(folder / "data", *settings) as server:
        yield TlsRedis(server.port, port, authority, stranger, authority.keystore("client"))


async def store(config: RedisConfig) -> None:
    reports = RedisReports(connect(config))
    try:
        assert await reports.store([REPORT]) == [True]
    finally:
        await reports.close()


@pytest.mark.parametrize(
    "how",
    [{"endpoint": "rediss://localhost:{port}"}, {"endpoint": "localhost:{port}", "tls": True}],
)
async def test_reports_are_stored_with_tls(how: dict[str, Any], redis: TlsRedis) -> None:
    config = RedisConfig(cert_path=str(redis.authority.path), client_cert_path=str(redis.client))
    endpoint = how["endpoint"].format(port=redis.encrypted)
    await store(replace(config, **how | {"endpoint": endpoint}))


async def test_the_systems_authorities_are_trusted(
    redis: TlsRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(redis.authority.path))
    endpoint = f"rediss://localhost:{redis.encrypted}"
    await store(RedisConfig(endpoint=endpoint, client_cert_path=str(redis.client)))


async def test_another_authority_or_name_is_not_trusted(redis: TlsRedis) -> None:
    config = RedisConfig(
        endpoint=f"rediss://localhost:{redis.encrypted}", client_cert_path=str(redis.client)
    )
    with pytest.raises(Unavailable, match=r"^redis: .*certificate verify failed"):
        await store(replace(config, cert_path=str(redis.stranger.path)))
    other = f"rediss://127.0.0.1:{redis.encrypted}"
    with pytest.raises(Unavailable, match=r"^redis: .*not valid for '127\.0\.0\.1'"):
        await store(replace(config, cert_path=str(redis.authority.path), endpoint=other))


async def test_tls_to_a_port_without_it_is_unavailable(redis: TlsRedis) -> None:
    config = RedisConfig(
        endpoint=f"rediss://localhost:{redis.plain}",
        cert_path=str(redis.authority.path),
        client_cert_path=str(redis.client),
    )
    with pytest.raises(Unavailable, match=r"^redis: "):
        await store(config)
    await store(RedisConfig(endpoint=f"redis://localhost:{redis.plain}"))


@pytest.mark.parametrize("key", ["cert_path", "client_cert_path", "client_key_path"])
def test_a_file_that_is_missing_is_named(key: str) -> None:
    config = RedisConfig(endpoint="rediss://localhost:1", **{key: "/absent.pem"})
    with pytest.raises(ConfigError, match=rf"^redis\.{key}: cannot use '/absent\.pem': No such"):
        connect(config)
