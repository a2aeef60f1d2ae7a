"""What a client may send over a connection, in whatever pieces, and what it gets."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from aggregator.handlers import server as server_module
from aggregator.handlers.budgets import (
    CHUNKS_AT_ONCE,
    MOST_HEADS,
    MOST_UNREAD,
    SMALL_HEAD,
    Chunks,
    Heads,
    Unread,
)
from aggregator.handlers.server import HttpServer
from aggregator.handlers.stream import MOST_HEAD_LINES, Stream
from tests.handlers.echo_server import (
    GET,
    LIMITS,
    Client,
    Echo,
    connected,
)


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with connected() as client:
        for name in (b"a", b"b"):
            client.send(GET % name)
            status, headers, body = await client.answer()
            assert (status, body) == (200, b"GET /%s 0\n" % name)
            assert "connection" not in headers
            assert len(headers["date"]) == 29


async def test_requests_sent_at_once_are_answered_in_order() -> None:
    async with connected() as client:
        client.send(b"".join(GET % name for name in (b"slow", b"b", b"c")))
        await asyncio.sleep(0.05)
        Echo.waiting.set()
        bodies = [(await client.answer())[2] for _ in range(3)]
    assert bodies == [b"GET /slow 0\n", b"GET /b 0\n", b"GET /c 0\n"]


async def test_a_request_in_single_bytes_is_read() -> None:
    async with connected() as client:
        for byte in b"POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc":
            client.send(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.answer())[2] == b"POST /a?x=1 3\n"


async def test_a_body_in_pieces_is_read() -> None:
    async with connected() as client:
        client.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await client.answer())[2] == b"PUT /a 5\n"


@pytest.mark.parametrize(
    ("head", "said", "kept"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "close", False),
        # what HTTP/1.0 means without a header
        (b"GET / HTTP/1.0\r\n\r\n", None, False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", True),
        (b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", None, True),
    ],
)
async def test_the_client_says_whether_the_connection_stays(
    head: bytes, said: str | None, kept: bool
) -> None:
    async with connected() as client:
        client.send(head)
        status, headers, _ = await client.answer()
        assert status == 200
        assert headers.get("connection") == said
        if kept:
            client.send(GET % b"again")
            assert (await client.answer())[2] == b"GET /again 0\n"
        else:
            assert await client.rest() == b""


async def test_who_wants_to_know_before_sending_is_told_to_go_on() -> None:
    async with connected() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
        )
        assert (await client.answer())[0] == 100
        client.send(b"a")
        assert (await client.answer())[2] == b"POST / 1\n"


async def test_no_body_has_no_length() -> None:
    async with connected() as client:
        client.send(GET % b"none")
        status, headers, body = await client.answer()
        assert (status, body) == (204, b"")
        assert "content-length" not in headers
        client.send(GET % b"a")
        assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
async def test_what_is_no_http_is_refused(data: bytes) -> None:
    async with connected() as client:
        client.send(data)
        status, _, body = await client.answer()
        assert (status, body) == (400, b"400 Bad Request")
        assert await client.rest() == b""


async def test_what_came_before_it_is_answered_first() -> None:
    async with connected() as client:
        client.send(GET % b"slow" + b"nonsense\r\n\r\n")
        await asyncio.sleep(0.05)
        Echo.waiting.set()
        assert (await client.answer())[2] == b"GET /slow 0\n"
        assert (await client.answer())[::2] == (400, b"400 Bad Request")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % (b"x" * 3000),
        b"GET / HTTP/1.1\r\nHost: h\r\n" + b"x: y\r\n" * 2000 + b"\r\n",
    ],
)
async def test_a_long_head_is_refused(data: bytes) -> None:
    async with connected() as client:
        client.send(data)
        assert (await client.answer())[0] == 431
        assert await client.rest() == b""


@pytest.mark.parametrize(("lines", "status"), [(MOST_HEAD_LINES - 3, 200), (MOST_HEAD_LINES, 431)])
async def test_a_head_of_many_lines_is_refused_before_they_are_parsed(
    lines: int, status: int
) -> None:
    async with connected(headers=1024 * 1024) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"a:b\r\n" * lines + b"\r\n")
        assert (await client.answer())[0] == status


class _Searched(bytearray):
    """Counts the bytes that are searched."""

    bytes = 0

    def find(self, mark: bytes, start: int = 0) -> int:  # type: ignore[override]
        """Search and count."""
        _Searched.bytes += len(self) - start
        return super().find(mark, start)


@pytest.mark.parametrize("size", [1000, 2000, 4000])
async def test_a_head_that_comes_in_single_bytes_is_searched_once(size: int) -> None:
    """Tornado itself searches it all again for each byte: 20 ms a byte of a head of 1 MiB."""
    ours, theirs = socket.socketpair()
    _Searched.bytes = 0
    with ours:
        stream = Stream(theirs, _Nobody(), LIMITS)
        stream._read_buffer = _Searched()
        head = stream.read_until_regex(b"\r?\n\r?\n")
        data = b"GET / HTTP/1.1\r\nHost: " + b"h" * size + b"\r\n\r\n"
        for at in range(len(data)):
            ours.send(data[at : at + 1])
            # reads what is there, as the loop does when it comes
            stream._handle_read()
        assert await head == data
        stream.close()
    # two marks for each byte that comes, in the few bytes before it
    assert len(data) < _Searched.bytes <= len(data) * 12


async def test_unfinished_heads_have_a_budget_which_the_oldest_ones_give_back() -> None:
    sockets = [socket.socketpair() for _ in range(MOST_HEADS // 10**6 + 3)]
    owner, limits = _Nobody(), replace(LIMITS, headers=1024 * 1024)
    streams = [Stream(theirs, owner, limits) for _, theirs in sockets]
    for (ours, _), stream in zip(sockets, streams, strict=True):
        head = stream.read_until_regex(b"\r?\n\r?\n", limits.headers)
        head.add_done_callback(lambda done: done.exception())
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(ours, b"GET / HTTP/1.1\r\nx: " + b"a" * 10**6)
        assert owner.heads.held <= MOST_HEADS
    async with asyncio.timeout(20):
        while not streams[1].closed():
            await asyncio.sleep(0)
    assert sockets[0][0].recv(30).startswith(b"HTTP/1.1 431 ")
    assert not streams[-1].closed()
    assert not any(stream._read_buffer for stream in streams if stream.closed())
    for stream in streams:
        stream.close()
    assert owner.heads.held == 0
    for ours, _ in sockets:
        ours.close()


async def test_large_heads_take_turns_and_small_ones_do_not_wait() -> None:
    """However many large heads have come, the loop runs between any two of them."""
    owner, limits = _Nobody(), replace(LIMITS, headers=1024 * 1024)
    pairs = [socket.socketpair() for _ in range(6)]
    streams = [Stream(theirs, owner, limits) for _, theirs in pairs]
    large = b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000 + b"\r\n\r\n"
    small = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    heads = [stream.read_until_regex(b"\r?\n\r?\n", limits.headers) for stream in streams]
    order: list[int] = []
    for at, head in enumerate(heads):
        head.add_done_callback(lambda _, at=at: order.append(at))  # type: ignore[misc]
    loop = asyncio.get_running_loop()
    for at, (ours, _) in enumerate(pairs):
        ours.setblocking(False)
        await loop.sock_sendall(ours, small if at == 5 else large)
    assert len(small) <= SMALL_HEAD
    async with asyncio.timeout(20):
        while len(order) < 6:
            before = len(order)
            await asyncio.sleep(0)
            # the small one may come beside a large one
            assert len(order) - before <= 2
    assert order.index(5) < 5
    # their bytes count until they are answered
    assert owner.heads.held == 5 * len(large)
    for (ours, _), stream in zip(pairs, streams, strict=True):
        stream.close()
        ours.close()
    assert owner.heads.held == 0


async def test_tiny_chunks_of_all_connections_share_a_turn_of_the_loop() -> None:
    chunks, loop = Chunks(), asyncio.get_running_loop()
    done = 0

    async def parse() -> None:
        nonlocal done
        for _ in range(CHUNKS_AT_ONCE):
            line: asyncio.Future[bytes] = loop.create_future()
            line.set_result(b"1\r\n")
            assert await chunks.take(line) == b"1\r\n"
            done += 1

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(parse())
        while done < 5 * CHUNKS_AT_ONCE:
            before = done
            await asyncio.sleep(0)
            assert done - before <= 2 * CHUNKS_AT_ONCE


async def test_a_body_of_tiny_chunks_is_read() -> None:
    async with connected() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"1\r\na\r\n" * 1000 + b"0\r\n\r\n")
        assert (await client.answer())[2] == b"POST / 1000\n"


class _Nobody:
    """Owns a stream and does not care."""

    def __init__(self) -> None:
        self.heads, self.chunks, self.unread = Heads(), Chunks(), Unread()

    def waiting(self, stream: Stream) -> None:
        """Do nothing."""

    def busy(self, stream: Stream) -> None:
        """Do nothing."""

    def closed(self, stream: Stream) -> None:
        """Do nothing."""


class _Client:
    """A client that reads or does not."""

    closed = False

    def __init__(self, unread: Unread) -> None:
        self.unread = unread

    def proceed(self) -> None:
        """Do nothing."""

    def refuse_head(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Give back what it held."""
        self.closed = True
        self.unread.set(self, 0, progress=False)


def test_answers_that_nobody_reads_are_given_up_least_recent_progress_first() -> None:
    unread = Unread()
    first, second, third = (_Client(unread) for _ in range(3))
    part = MOST_UNREAD // 2
    unread.set(first, part, progress=False)
    unread.set(second, part, progress=False)
    unread.set(first, part - 1, progress=True)
    unread.set(third, 2, progress=False)
    assert [one.closed for one in (first, second, third)] == [False, True, False]
    # one answer alone may be larger
    unread.set(third, MOST_UNREAD + 1, progress=False)
    assert [one.closed for one in (first, third)] == [True, False]
    third.close()
    assert unread.held == 0


SLOW_BODY = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"
SLOW_CHUNK = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTTP/1.1\r\nHo", SLOW_BODY, SLOW_CHUNK, GET % b"a", b"\r\n"]
)
async def test_slow_clients_are_cut_off(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.02)
    async with connected(idle=0.05, request=0.1) as client:
        client.send(data)
        try:
            rest = await client.rest()
        except ConnectionResetError:
            rest = b""
        assert rest.startswith(b"HTTP/1.1 200") == (data == GET % b"a")


async def test_a_slow_second_request_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.02)
    async with connected(request=0.1) as client:
        client.send(GET % b"a" + b"GET /b HTT")
        assert (await client.answer())[2] == b"GET /a 0\n"
        with suppress(ConnectionResetError):
            assert await client.rest() == b""


async def test_who_waits_for_us_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.02)
    async with connected(idle=0.05, request=0.05) as client:
        client.send(GET % b"slow")
        await Echo.entered.wait()
        await asyncio.sleep(0.3)
        Echo.waiting.set()
        assert (await client.answer())[0] == 200


async def test_who_takes_no_answers_is_asked_for_no_more_requests() -> None:
    async with connected() as client:
        client.send((GET % b"large") * 20)
        await asyncio.sleep(0.2)
        # the others wait until this one is taken
        sizes = [len((await client.answer())[2]) for _ in range(20)]
    assert sizes == [3_000_000] * 20


async def test_who_takes_no_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LOOK_SECONDS", 0.02)
    async with connected(request=0.1) as client:
        client.send((GET % b"large") * 20)
        await asyncio.sleep(0.5)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            [await client.answer() for _ in range(20)]


@pytest.mark.parametrize("path", [b"slow", b"a"])
async def test_who_has_said_all_gets_an_answer(path: bytes) -> None:
    async with connected() as client:
        client.send(GET % path)
        client.writer.write_eof()
        if path == b"slow":
            await Echo.entered.wait()
            await asyncio.sleep(0.05)
            Echo.waiting.set()
        assert (await client.answer())[2] == b"GET /%s 0\n" % path
        assert await client.rest() == b""


async def test_who_has_said_all_takes_a_long_answer_in_time() -> None:
    async with connected() as client:
        client.send((GET % b"large") * 2)
        client.writer.write_eof()
        await asyncio.sleep(0.1)
        assert [len((await client.answer())[2]) for _ in range(2)] == [3_000_000] * 2


async def test_a_client_that_leaves_early_disturbs_nobody() -> None:
    async with connected() as client:
        client.send(GET % b"slow")
        await Echo.entered.wait()
        client.writer.transport.abort()
        await asyncio.sleep(0.05)
        Echo.waiting.set()
        await asyncio.sleep(0.05)


async def test_the_end_waits_for_answers_under_way() -> None:
    Echo.begin()
    server = HttpServer(Application([(".*", Echo)]), LIMITS)
    sockets = bind_sockets(0, "127.0.0.1")
    await server.listen(sockets)
    place = sockets[0].getsockname()[:2]
    busy, idle = [Client(*await asyncio.open_connection(*place)) for _ in range(2)]
    idle.send(GET % b"a")
    await idle.answer()
    busy.send(GET % b"slow")
    await Echo.entered.wait()
    closing = asyncio.ensure_future(server.close(60))
    assert await idle.rest() == b""
    assert not closing.done()
    Echo.waiting.set()
    status, headers, _ = await busy.answer()
    assert (status, headers["connection"]) == (200, "close")
    await asyncio.wait_for(closing, 20)
    for client in (busy, idle):
        client.writer.close()
        await client.writer.wait_closed()


async def test_the_end_comes_in_time() -> None:
    Echo.begin()
    server = HttpServer(Application([(".*", Echo)]), LIMITS)
    sockets = bind_sockets(0, "127.0.0.1")
    await server.listen(sockets)
    client = Client(*await asyncio.open_connection(*sockets[0].getsockname()[:2]))
    client.send(GET % b"slow")
    await Echo.entered.wait()
    await asyncio.wait_for(server.close(0.05), 20)
    assert await client.rest() == b""
    Echo.waiting.set()
    client.writer.close()
    await client.writer.wait_closed()
