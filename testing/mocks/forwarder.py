"""TCP forwarder: gives a mock broker, whose port cannot be chosen, another port as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"
CHUNK = 64 * 1024


@asynccontextmanager
async def forwarded(target: str, port: int) -> AsyncIterator[str]:
    """Forward connections to `host:port` of the target; give the address that clients may use.

    Port 0 is any free one. Kafka clients ask here for the brokers only, and then connect to the
    addresses that they are told. Raise OSError if the port is in use.
    """
    host, _, number = target.rpartition(":")
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 for mypy: asyncio runs it in a task
        connections.add(task)
        try:
            await _join(reader, writer, host, int(number))
        finally:
            connections.discard(task)

    server = await asyncio.start_server(serve, HOST, port)
    try:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """Copy in both directions until one side closes, or the target takes no connection."""
    try:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(host, port)
            try:
                copies = _copy(reader, far_writer), _copy(far_reader, writer)
                tasks = [asyncio.ensure_future(copy) for copy in copies]
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
            finally:
                far_writer.close()
    finally:
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
