"""A TCP proxy that can fall silent: connections stay open, and nothing comes through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class SilentProxy:
    """Forwards to one address until it is told to be silent, as a half-open connection is."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._silent = asyncio.Event()
        self._new_too = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def silence(self, *, new_too: bool) -> None:
        """Let nothing more through on the present connections, and on new ones if wanted."""
        self._silent.set()
        self._new_too = new_too
        if not new_too:
            self._silent = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a connection in both directions."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        silent, writers = self._silent, [writer]
        try:
            if self._new_too:
                await asyncio.Event().wait()
            answers, requests = await asyncio.open_connection(*self._address)
            writers.append(requests)
            ways = ((reader, requests), (answers, writer))
            await asyncio.gather(*(_forward(one, other, silent) for one, other in ways))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for each in writers:
                each.close()

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event
) -> None:
    while data := await reader.read(65536):
        if silent.is_set():
            await asyncio.Event().wait()
        writer.write(data)
    if silent.is_set():
        await asyncio.Event().wait()
    writer.close()


@contextlib.asynccontextmanager
async def silent_proxy(host: str, port: int) -> AsyncIterator[SilentProxy]:
    """Give a proxy to the address."""
    proxy = SilentProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
