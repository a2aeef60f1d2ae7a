"""A service with the dashboard on SQLite, and a client that reads its events."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aggregator.config.options import Config, StorageConfig
from aggregator.dashboard.tools import Tools
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.service import Service

PREFIX = "/api/insights-results-aggregator/v1/"
SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """A response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.body)


def identity(org: int) -> dict[str, str]:
    """Return the header of a token of the organization."""
    document = {"identity": {"org_id": str(org)}}
    return {"x-rh-identity": base64.b64encode(json.dumps(document).encode()).decode()}


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    auth: bool = False,
    dashboard: bool = True,
    check: str = "strict",
    tools: Tools | None = None,
) -> AsyncIterator[Service]:
    """Run a service without a broker."""
    section = StorageConfig(db_driver="sqlite3", sqlite_datasource=str(folder / "a.db"))
    base = Config()
    config = replace(
        base,
        server=replace(
            base.server,
            address="127.0.0.1:0",
            api_prefix=PREFIX,
            auth=auth,
            dashboard=dashboard,
            organization_check=check,
        ),
        ocp_recommendations_storage=section,
        dvo_recommendations_storage=section,
    )
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    await engine.dispose()
    service = Service(config, tools=tools)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    seconds: float = SECONDS,
) -> Answer:
    """Send one request and return the whole response."""
    reader, writer = await _sent(port, path, method, headers, body)
    try:
        async with asyncio.timeout(seconds):
            status, found = await _head(reader)
            text = await reader.readexactly(int(found.get("content-length", 0)))
    finally:
        writer.close()
    return Answer(status, found, text)


async def _sent(
    port: int, path: str, method: str, headers: dict[str, str] | None, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return reader, writer


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(": ") for line in head[1:] if line)
    return int(head[0].split()[1]), {name.lower(): value for name, _, value in pairs}


class Events:
    """An open stream; iterating yields (name, data)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.headers = 0, {}
        self._text = b""

    async def next(self, name: str) -> Any:
        """Return the data of the next event of this name; raise EOFError at the end."""
        async with asyncio.timeout(SECONDS):
            while True:
                while b"\n\n" not in self._text:
                    self._text += await self._chunk()
                event, _, self._text = self._text.partition(b"\n\n")
                lines = dict(line.split(b": ", 1) for line in event.split(b"\n"))
                if lines.get(b"event") == name.encode():
                    return json.loads(lines[b"data"])

    async def _chunk(self) -> bytes:
        size = int(await self.reader.readline() or b"0", 16)
        if size == 0:
            raise EOFError
        return (await self.reader.readexactly(size + 2))[:-2]


@asynccontextmanager
async def listening(port: int, headers: dict[str, str] | None = None) -> AsyncIterator[Events]:
    """Open the stream of events."""
    events = Events(*await _sent(port, "/dashboard/events", "GET", headers, b""))
    async with asyncio.timeout(SECONDS):
        events.status, events.headers = await _head(events.reader)
    try:
        yield events
    finally:
        events.writer.close()
