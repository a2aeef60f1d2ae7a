"""A TCP proxy that can hang: connections stay open, new ones are accepted, and no byte passes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class HungProxy:
    """Listens on `port` and passes bytes to `target` until `hang`, as a half-open path does.

    A new `target` is that of later connections, as an address that moves to another host.
    """

    def __init__(self, port: int, target: int) -> None:
        self._port = port
        self.target = target
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
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

    def hang(self) -> None:
        """Let no byte pass any more, in either direction."""
        self._passing.clear()

    def go_on(self) -> None:
        """Let bytes pass again, also those that were held back."""
        self._passing.set()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._passing.wait()
            far, forth = await asyncio.open_connection("127.0.0.1", self.target)
            try:
                await asyncio.gather(self._pump(near, forth), self._pump(far, back))
            finally:
                forth.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._passing.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
