"""What holds for every answer: sizes, times, headers, and a database that is away."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import http.client
import json
import socket
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from aggregator.config.options import Config, StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.handlers import about
from aggregator.handlers.app import application, listen
from aggregator.handlers.compression import Compression
from aggregator.metrics import Metrics
from aggregator.model import ClusterId, OrgId
from aggregator.parts import in_parts
from aggregator.processes.ipc import FirstProcess
from aggregator.storage import Storage

PREFIX = "/api/v1/"
LIMIT = 300_000
SLOW_SECONDS = 60
CLUSTERS = json.dumps([str(uuid.UUID(int=number)) for number in range(5000)]).encode()
REPORTS = b'{"clusters": ' + CLUSTERS + b"}"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class SlowOrgs:
    """Organizations that take longer than any client waits."""

    @in_parts
    async def all(self) -> AsyncGenerator[list[OrgId], None]:
        """Sleep."""
        await asyncio.sleep(SLOW_SECONDS)
        yield []

    @in_parts
    async def clusters(self, org: OrgId, since: datetime) -> AsyncGenerator[list[ClusterId], None]:
        """Sleep."""
        await asyncio.sleep(SLOW_SECONDS)
        yield []

    async def owner(self, cluster: ClusterId) -> OrgId:
        """Sleep."""
        await asyncio.sleep(SLOW_SECONDS)
        return OrgId(1)


def configured(section: StorageConfig, **server: Any) -> Config:
    base = Config()
    return dataclasses.replace(
        base,
        server=dataclasses.replace(base.server, address="127.0.0.1:0", **server),
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
    )


@contextlib.asynccontextmanager
async def served(config: Config, storage: Storage) -> AsyncIterator[int]:
    """Serve the storage; yield the port."""
    metrics = Metrics("")
    app = application(config, storage, metrics, {}, FirstProcess(metrics, lambda: ""))
    server, port = await listen(app, config.server)
    try:
        yield port
    finally:
        await server.close(1)
        await storage.health.close()


@contextlib.asynccontextmanager
async def healthy(folder: Path, **server: Any) -> AsyncIterator[int]:
    """Serve an empty SQLite database."""
    section = StorageConfig(sqlite_datasource=str(folder / "limits.db"))
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    config = configured(section, **server)
    storage, _ = sql.build(config)
    async with served(config, storage) as port:
        yield port


async def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send a request; names of headers are written with underscores."""

    def send() -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            got = connection.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            connection.close()

    return await asyncio.to_thread(send)


def pieces(total: int) -> Iterator[bytes]:
    """Yield a body without saying how long it is: http.client sends it chunked."""
    for _ in range(total // 50_000):
        yield b" " * 50_000


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_answered_413_in_json(
    tmp_path: Path, chunked: bool
) -> None:
    path = PREFIX + "organizations/1/clusters/reports"
    async with healthy(tmp_path, maximum_body_size=LIMIT) as port:
        body: Any = pieces(LIMIT + 50_000) if chunked else b" " * (LIMIT + 1)
        got = await ask(port, "POST", path, body)
        assert got.status == 413
        assert str(LIMIT) in json.loads(got.body)["status"]
        assert list(json.loads(got.body)) == ["status"]
        assert got.headers.get_content_type() == "application/json"
        fits: Any = pieces(LIMIT) if chunked else b" " * LIMIT
        assert (await ask(port, "POST", path, fits)).status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organizations/1/clusters/reports", REPORTS),
        ("recommendations/organizations/1/users/u/list", CLUSTERS),
        ("clusters/organizations/1/users/u/recommendations", CLUSTERS),
    ],
)
async def test_five_thousand_clusters_in_a_body_are_answered(
    tmp_path: Path, path: str, body: bytes
) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "POST", PREFIX + path, body)
    assert got.status == 200, got.body[:300]
    assert json.loads(got.body)["status"] == "ok"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("xgzip", False),
        ("", False),
    ],
)
async def test_long_answers_are_compressed_for_those_who_accept_it(
    tmp_path: Path, accepted: str, packed: bool
) -> None:
    path = PREFIX + "openapi.json"
    async with healthy(tmp_path, compression=True) as port:
        plain = await ask(port, "GET", path)
        got = await ask(port, "GET", path, Accept_Encoding=accepted)
    assert len(plain.body) > 1024
    assert plain.headers["Content-Encoding"] is None
    assert got.headers["Content-Encoding"] == ("gzip" if packed else None)
    assert (gzip.decompress(got.body) if packed else got.body) == plain.body


async def test_answers_are_not_compressed_by_default(tmp_path: Path) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "GET", PREFIX + "openapi.json", Accept_Encoding="gzip")
    assert (got.status, got.headers["Content-Encoding"]) == (200, None)
    assert json.loads(got.body)["openapi"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_answers_of_routes_that_write_are_never_compressed(method: str) -> None:
    headers = HTTPHeaders({"Content-Type": "application/json", "Content-Length": "5000"})
    asked = HTTPHeaders({"Host": "h", "Accept-Encoding": "gzip"})
    line = RequestStartLine(method, "/", "HTTP/1.1")
    transform = Compression(HTTPServerRequest(headers=asked, start_line=line))
    _, found, body = transform.transform_first_chunk(200, headers, b" " * 5000, True)
    assert (found.get("Content-Encoding"), body) == (None, b" " * 5000)


@pytest.mark.parametrize("path", ["organizations/1/clusters", "openapi.json", "info"])
async def test_an_unchanged_answer_is_not_sent_again(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path) as port:
        first = await ask(port, "GET", PREFIX + path)
        again = await ask(port, "GET", PREFIX + path, If_None_Match=first.headers["ETag"])
        other = await ask(port, "GET", PREFIX + path, If_None_Match='"another"')
    assert (first.status, again.status, other.status) == (200, 304, 200)
    assert again.body == b""
    assert other.body == first.body


@pytest.mark.parametrize("path", ["", "organizations/0/clusters", "nowhere"])
async def test_answers_say_nothing_of_the_software(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "GET", PREFIX + path)
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Server"] is None


async def test_head_is_not_allowed(tmp_path: Path) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "HEAD", PREFIX + "organizations/1/clusters")
    assert (got.status, got.body) == (405, b"")


async def test_a_slow_storage_is_answered_503_in_time() -> None:
    config = configured(StorageConfig(type="noop"), request_timeout=0.2)
    storage, _ = sql.build(config)
    async with served(config, dataclasses.replace(storage, orgs=SlowOrgs())) as port:
        begun = time.monotonic()
        got = await ask(port, "GET", PREFIX + "organizations/1/clusters")
        took = time.monotonic() - begun
    assert got.status == 503
    assert json.loads(got.body) == {"status": "Service Unavailable"}
    assert int(got.headers["Retry-After"]) > 0
    assert 0.2 <= took < SLOW_SECONDS


class BusyOrgs(SlowOrgs):
    """Organizations that keep the loop at work for longer than a client waits."""

    @in_parts
    async def clusters(self, org: OrgId, since: datetime) -> AsyncGenerator[list[ClusterId], None]:
        """Work without waiting for anything."""
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        yield []


async def test_work_that_never_waits_is_answered_503_too() -> None:
    config = configured(StorageConfig(type="noop"), request_timeout=0.1)
    storage, _ = sql.build(config)
    async with served(config, dataclasses.replace(storage, orgs=BusyOrgs())) as port:
        got = await ask(port, "GET", PREFIX + "organizations/1/clusters")
    assert (got.status, json.loads(got.body)) == (503, {"status": "Service Unavailable"})


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_without_database_reads_are_answered_503_at_once() -> None:
    section = StorageConfig(
        db_driver="postgres",
        pg_host="127.0.0.1",
        pg_port=closed_port(),
        pg_username="u",
        pg_password="p",
        pg_db_name="d",
    )
    config = configured(section)
    storage, _ = sql.build(config)
    async with served(config, storage) as port:
        begun = time.monotonic()
        got = await ask(port, "GET", PREFIX + "organizations/1/clusters")
        took = time.monotonic() - begun
        others = [await ask(port, "GET", path) for path in (PREFIX, "/readyz", "/livez")]
    assert got.status == 503
    assert json.loads(got.body) == {"status": "Service Unavailable"}
    assert int(got.headers["Retry-After"]) > 0
    # nobody waits for what is refused: the time limit is not used up
    assert took < config.server.request_timeout
    assert [other.status for other in others] == [200, 503, 200]


async def test_with_a_database_of_the_right_version_the_service_is_ready(tmp_path: Path) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "GET", "/readyz")
    assert (got.status, json.loads(got.body)) == (200, {"status": "ok"})


async def test_a_silent_database_is_reported_before_a_probe_times_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(about, "CHECK_SECONDS", 0.05)
    opened: list[asyncio.StreamWriter] = []
    # accepts connections and answers nothing
    silent = await asyncio.start_server(
        lambda _reader, writer: opened.append(writer), "127.0.0.1", 0
    )
    section = StorageConfig(
        db_driver="postgres",
        pg_host="127.0.0.1",
        pg_port=silent.sockets[0].getsockname()[1],
        pg_username="u",
        pg_password="p",
        pg_db_name="d",
    )
    config = configured(section)
    storage, health = sql.build(config)
    async with served(config, storage) as port:
        got = await ask(port, "GET", "/readyz")
    assert got.status == 503
    assert json.loads(got.body) == {"status": "database: no answer in 0.05 s"}
    silent.close()
    for writer in opened:
        writer.close()
    await health.close()
