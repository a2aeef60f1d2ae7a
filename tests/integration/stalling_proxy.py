"""A TCP proxy that can stall: connections stay open, and no byte passes, as on a lost path."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class StallingProxy:
    """Listens on 127.0.0.1, on any free port by default, and forwards to `host:target`.

    A new `target` applies to new connections.
    """

    def __init__(self, target: int, host: str = "127.0.0.1", port: int = 0) -> None:
        self.target = target
        self._host = host
        self.port = port
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)

    def stall(self) -> None:
        """Stall all connections; new ones are accepted and stall, too."""
        self._passing.clear()

    def stall_open_connections(self) -> None:
        """Stall the connections that are open now, for good; new ones are forwarded."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    def resume(self) -> None:
        """Forward again, also the bytes that were held back."""
        self._passing.set()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        passing = self._passing
        try:
            await passing.wait()
            far, forth = await asyncio.open_connection(self._host, self.target)
            try:
                await asyncio.gather(_forward(near, forth, passing), _forward(far, back, passing))
            finally:
                forth.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.transport.abort()
            self._tasks.discard(task)


async def _forward(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, passing: asyncio.Event
) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            await passing.wait()
            sink.write(data)
            await sink.drain()
    await passing.wait()
    sink.transport.abort()
