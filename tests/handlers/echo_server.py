"""A server that echoes, and a client that sends it bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from aggregator.handlers.server import HttpServer
from aggregator.handlers.stream import Limits

LIMITS = Limits(headers=2000, idle=60, request=60)
GET = b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n"


class Echo(RequestHandler):
    """Tells what came."""

    waiting: asyncio.Event
    entered: asyncio.Event

    @classmethod
    def begin(cls) -> None:
        """Let slow requests wait, and nobody have asked yet."""
        cls.waiting, cls.entered = asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        """Answer; some paths take their time."""
        if self.request.path == "/slow":
            Echo.entered.set()
            await Echo.waiting.wait()
        if self.request.path == "/large":
            self.finish(b"x" * 3_000_000)
            return
        if self.request.path == "/none":
            self.set_status(204)
            self.finish()
            return
        body = f"{self.request.method} {self.request.uri} {len(self.request.body)}\n"
        self.finish(body)


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer that has a length."""
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def rest(self) -> bytes:
        """Read until the server closes."""
        async with asyncio.timeout(30):
            return await self.reader.read()


@asynccontextmanager
async def connected(**limits: Any) -> AsyncIterator[Client]:
    Echo.begin()
    server = HttpServer(Application([(".*", Echo)]), replace(LIMITS, **limits))
    sockets = bind_sockets(0, "127.0.0.1")
    await server.listen(sockets)
    reader, writer = await asyncio.open_connection(*sockets[0].getsockname()[:2])
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await server.close(1)
