"""Forms of HTTP on the wire: what is sent, what comes back, and how it is recorded.

    python -m tests.handlers.wire HOST:PORT

asks a Go service with an empty database for each form in `wire_forms.json` and writes what it
answered into that file.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "wire_forms.json"
PREFIX = "/api/insights-results-aggregator/v1/"
PROBE = f"GET {PREFIX} HTTP/1.1\r\nHost: probe\r\n\r\n".encode()
# the Go service keeps a connection open for half a second after its last answer
QUIET_SECONDS = 1.5


class Exchange(NamedTuple):
    """All answers to a form, and whether the connection takes another request then."""

    answers: list[str]
    kept: bool


def sent(parts: list[Any]) -> bytes:
    """Return the bytes of a form: texts in Latin-1, and pairs of a text and how often it comes."""
    texts = [part if isinstance(part, str) else part[0] * part[1] for part in parts]
    return "".join(texts).replace("PREFIX", PREFIX).encode("latin-1")


async def answer(reader: asyncio.StreamReader, *, bodiless: bool) -> str:
    """Read one answer; return its status, with where a redirect leads to."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = head[0].split(" ")[1]
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if status.startswith("1") or status in ("204", "304") or bodiless:
        pass
    elif "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        await reader.readuntil(b"0\r\n\r\n")
    else:
        await reader.read()
    location = headers.get("location")
    return f"{status} {location}" if location else status


async def exchange(port: int, row: dict[str, Any], host: str = "127.0.0.1") -> Exchange:
    """Send a form and read what comes until the service is quiet, then try another request."""
    reader, writer = await asyncio.open_connection(host, port, limit=2**22)
    bodiless = row["sent"][0].startswith("HEAD")
    answers = []
    try:
        writer.write(sent(row["sent"]))
        if row.get("half_close"):
            writer.write_eof()
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                async with asyncio.timeout(QUIET_SECONDS):
                    answers.append(await answer(reader, bodiless=bodiless))
        if reader.at_eof() or row.get("half_close") or not answers:
            return Exchange(answers, False)
        kept = False
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            writer.write(PROBE)
            async with asyncio.timeout(QUIET_SECONDS):
                kept = await answer(reader, bodiless=False) == "200"
        return Exchange(answers, kept)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def load() -> list[dict[str, Any]]:
    """Return the forms with the Go service's answers."""
    rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="ascii"))
    return rows


async def exchange_all(
    port: int, rows: list[dict[str, Any]], host: str = "127.0.0.1"
) -> list[dict[str, Any]]:
    """Send forms beside each other; return what came as it is recorded."""
    found = await asyncio.gather(*(exchange(port, row, host) for row in rows))
    return [one._asdict() for one in found]


async def _record(host: str, port: int) -> None:
    rows = load()
    found = await exchange_all(port, rows, host)
    for row, one in zip(rows, found, strict=True):
        row["go"] = one
    lines = ",\n".join(json.dumps(row) for row in rows)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="ascii")


if __name__ == "__main__":
    place, _, number = sys.argv[1].rpartition(":")
    asyncio.run(_record(place, int(number)))
