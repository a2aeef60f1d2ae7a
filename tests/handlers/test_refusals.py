"""What is refused without reading a body, and what is freed when a client goes."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from aggregator.handlers import incoming, server
from aggregator.handlers.incoming import Bodies, Body
from aggregator.handlers.router import ApiApplication
from aggregator.handlers.server import HttpServer, connections_allowed
from tests.handlers.echo_server import (
    GET,
    LIMITS,
    Client,
    Echo,
)
from tests.handlers.test_limits import PREFIX, healthy

REPORTS = PREFIX + "organizations/1/clusters/reports"
MIB = 1024 * 1024


def token(org: int) -> str:
    document = {"identity": {"org_id": str(org), "account_number": "1", "user": {}}}
    return base64.b64encode(json.dumps(document).encode()).decode()


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *lines, "", ""]).encode()


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client
    finally:
        client.writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def apps(monkeypatch: pytest.MonkeyPatch) -> list[ApiApplication]:
    """Return the applications that are built from now on."""
    made: list[ApiApplication] = []
    build = ApiApplication.__init__

    def noted(self: ApiApplication, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(ApiApplication, "__init__", noted)
    return made


LENGTHS = ["Content-Length: 3000000", "Transfer-Encoding: chunked"]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(
    ("method", "path", "org", "status"),
    [
        ("POST", REPORTS, None, 401),
        ("POST", REPORTS, 2, 403),
        ("POST", PREFIX + "nowhere", 1, 404),
        ("PATCH", REPORTS, 1, 405),
        ("FOO", REPORTS, 1, 405),
        ("POST", REPORTS + "/", 1, 301),
    ],
)
async def test_token_and_route_are_judged_before_the_body(
    tmp_path: Path, method: str, path: str, org: int | None, status: int, length: str
) -> None:
    lines = [length] + ([f"x-rh-identity: {token(org)}"] if org else [])
    async with healthy(tmp_path, auth=True) as port, client_of(port) as client:
        client.send(head(method, path, *lines))
        assert (await client.answer())[0] == status


async def test_a_long_body_is_refused_before_it_comes(tmp_path: Path) -> None:
    async with healthy(tmp_path, maximum_body_size=1000) as port, client_of(port) as client:
        client.send(head("POST", REPORTS, "Content-Length: 1001"))
        status, _, body = await client.answer()
        assert (status, json.loads(body)["status"][:22]) == (413, "request body is longer")


async def test_a_chunked_body_without_end_is_refused(tmp_path: Path) -> None:
    async with healthy(tmp_path, maximum_body_size=1000) as port, client_of(port) as client:
        client.send(head("POST", REPORTS, "Transfer-Encoding: chunked"))
        client.send(b"3e9\r\n" + b"x" * 1001)
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (413, "close")


async def test_a_body_that_is_refused_does_not_reach_the_next_request(tmp_path: Path) -> None:
    hidden = head("GET", PREFIX + "info")
    async with healthy(tmp_path, auth=True) as port, client_of(port) as client:
        client.send(head("POST", REPORTS, f"Content-Length: {len(hidden)}"))
        assert (await client.answer())[0] == 401
        client.send(hidden + head("GET", "/livez"))
        status, _, body = await client.answer()
        assert (status, json.loads(body)) == (200, {"status": "ok"})


async def test_nobody_is_asked_for_a_body_that_is_refused(tmp_path: Path) -> None:
    async with healthy(tmp_path, auth=True) as port, client_of(port) as client:
        client.send(head("POST", REPORTS, "Content-Length: 5", "Expect: 100-continue"))
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (401, "close")
        assert await client.rest() == b""


async def test_reading_a_refused_body_away_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "DRAINED", 100_000)
    async with healthy(tmp_path, auth=True) as port, client_of(port) as client:
        client.send(head("POST", REPORTS, "Content-Length: 9000000"))
        assert (await client.answer())[0] == 401
        client.send(b"x" * 200_000)
        with suppress(ConnectionError):
            assert await client.rest() == b""


async def test_bodies_of_clients_that_go_are_freed(
    tmp_path: Path, apps: list[ApiApplication]
) -> None:
    async with healthy(tmp_path) as port:
        for _ in range(3):
            async with client_of(port) as client:
                client.send(head("POST", REPORTS, f"Content-Length: {MIB}") + b" " * (MIB - 1))
                await until(lambda: apps[0].bodies.held == MIB - 1)
            await until(lambda: apps[0].bodies.held == 0)


async def test_all_bodies_together_have_a_limit(tmp_path: Path, apps: list[ApiApplication]) -> None:
    text = b'{"clusters": []}'
    async with healthy(tmp_path) as port, client_of(port) as greedy, client_of(port) as client:
        apps[0].bodies.most = MIB
        greedy.send(head("POST", REPORTS, f"Content-Length: {MIB + 1}") + b" " * MIB)
        await until(lambda: apps[0].bodies.held == MIB)
        request = head("POST", REPORTS, f"Content-Length: {len(text)}") + text
        client.send(request)
        status, headers, _ = await client.answer()
        assert (status, "retry-after" in headers) == (503, True)
        greedy.writer.transport.abort()
        await until(lambda: apps[0].bodies.held == 0)
        client.writer.close()
        async with client_of(port) as later:
            later.send(request)
            assert (await later.answer())[0] == 200
        assert apps[0].bodies.held == 0


def test_a_body_counts_as_long_as_it_is_held() -> None:
    bodies = Bodies(10)
    first, second = Body(bodies), Body(bodies)
    assert first.add(b"123456")
    assert not second.add(b"12345")
    assert (first.read(), second.read(), bodies.held) == (b"123456", b"", 6)
    first.release()
    first.release()
    second.release()
    assert bodies.held == 0


async def test_connections_above_the_limit_are_answered_503(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Echo.begin()
    http = HttpServer(Application([(".*", Echo)]), LIMITS, connections=2)
    sockets = bind_sockets(0, "127.0.0.1")
    await http.listen(sockets)
    port = sockets[0].getsockname()[1]
    with caplog.at_level(logging.INFO, "aggregator.handlers.server"):
        async with client_of(port) as first, client_of(port) as second:
            for one in (first, second):
                one.send(GET % b"a")
                assert (await one.answer())[0] == 200
            for _ in range(3):
                async with client_of(port) as third:
                    assert (await third.answer())[0] == 503
                    assert await third.rest() == b""
            first.send(GET % b"b")
            assert (await first.answer())[0] == 200
        async with asyncio.timeout(20):
            while len(http._streams):
                await asyncio.sleep(0.01)
        async with client_of(port) as again:
            again.send(GET % b"c")
            assert (await again.answer())[0] == 200
    await http.close(1)
    texts = [record.getMessage() for record in caplog.records]
    assert texts == [
        "2 connections are open (server.maximum_connections): those that wait longest for a "
        "request are closed for new ones, or new ones are answered 503",
    ]


async def test_waiting_connections_give_way_to_new_ones_and_busy_ones_do_not(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "EVICTED_AFTER_SECONDS", 0.0)
    Echo.begin()
    http = HttpServer(Application([(".*", Echo)]), LIMITS, connections=3)
    sockets = bind_sockets(0, "127.0.0.1")
    await http.listen(sockets)
    port = sockets[0].getsockname()[1]
    with caplog.at_level(logging.INFO, "aggregator.handlers.server"):
        async with client_of(port) as busy, client_of(port) as idle, client_of(port) as slow:
            busy.send(GET % b"slow")
            await Echo.entered.wait()
            idle.send(GET % b"a")
            assert (await idle.answer())[0] == 200
            slow.send(b"GET / HTTP/1.1\r\nHo")
            for waiting in (slow, idle):
                async with client_of(port) as new:
                    new.send(GET % b"b")
                    assert (await new.answer())[0] == 200
                    with suppress(ConnectionResetError):
                        assert await waiting.rest() == b""
            Echo.waiting.set()
            assert (await busy.answer())[0] == 200
    await http.close(1)
    assert len(caplog.records) == 1


def test_too_many_connections_are_counted_once_a_period(caplog: pytest.LogCaptureFixture) -> None:
    pressure = server.Pressure(7)
    with caplog.at_level(logging.INFO, "aggregator.handlers.server"):
        pressure.look(0.0)
        pressure.note(1.0, evicted=1)
        for _ in range(3):
            pressure.note(2.0, refused=1)
        pressure.look(3.0)
        pressure.look(62.0)
        pressure.look(130.0)
        pressure.look(200.0)
    assert [one.getMessage() for one in caplog.records][1:] == [
        "connection limit of 7 reached: 1 waiting connections closed, 3 new ones answered 503 "
        "within 61 s",
        "connections are accepted again",
    ]


@pytest.mark.parametrize(
    ("soft", "wanted", "allowed"),
    [
        (1024, 0, 896),
        (1024, 500, 500),
        (1024, 5000, 896),
        (100, 0, 16),
        (-1, 7, 7),
        (-1, 0, 4096),
        (10**6, 0, 4096),
        (10**6, 10**5, 10**5),
    ],
)
def test_file_descriptors_limit_connections(
    monkeypatch: pytest.MonkeyPatch, soft: int, wanted: int, allowed: int
) -> None:
    monkeypatch.setattr(server.resource, "getrlimit", lambda _: (soft, soft))
    assert connections_allowed(wanted) == allowed


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * 100_000 + b"{}]",
        b"[" + b"[]," * 100_000 + b"1]",
        b"[" + b"1," * 600_000 + b"1]",
    ],
)
async def test_bodies_of_many_parts_are_not_read(tmp_path: Path, body: bytes) -> None:
    path = PREFIX + "recommendations/organizations/1/users/u/list"
    async with healthy(tmp_path) as port, client_of(port) as client:
        client.send(head("POST", path, f"Content-Length: {len(body)}") + body)
        assert (await client.answer())[0] == 413


async def test_two_hundred_thousand_clusters_in_a_body_are_answered(tmp_path: Path) -> None:
    path = PREFIX + "recommendations/organizations/1/users/u/list"
    names = [f"00000000-0000-0000-0000-{number:012x}" for number in range(200_000)]
    body = json.dumps(names).encode()
    async with healthy(tmp_path) as port, client_of(port) as client:
        client.send(head("POST", path, f"Content-Length: {len(body)}") + body)
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize("count", [2500])
async def test_many_clusters_in_a_path_are_answered(tmp_path: Path, count: int) -> None:
    names = ",".join(f"00000000-0000-0000-0000-{number:012x}" for number in range(count))
    async with healthy(tmp_path) as port, client_of(port) as client:
        client.send(head("GET", PREFIX + f"organizations/1/clusters/{names}/reports"))
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize("count", [10_000, 20_000, 40_000])
def test_a_body_of_tiny_chunks_takes_the_memory_of_its_bytes(count: int) -> None:
    whole = Body(Bodies(16 * MIB))
    tracemalloc.start()
    try:
        for at in range(count):
            assert whole.add(b"%02d" % (at % 100))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken <= 2 * whole.size + incoming.LEAST_PART
    assert whole.read() == whole.read() == b"".join(b"%02d" % (at % 100) for at in range(count))
