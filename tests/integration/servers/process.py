"""The process of a server: started, awaited until it accepts connections, stopped or killed."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

STOP_SECONDS = 30


class ServerProcess(ABC):
    """A server in the foreground whose output goes to the file `log`."""

    def __init__(self, log: Path, start_seconds: float) -> None:
        self._log = log
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start and block until it accepts connections; raise RuntimeError with the log's end."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **self._process_options(),
            )  # fmt: skip
        deadline = time.monotonic() + self._start_seconds
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                message = f"{self._command()[0]} does not start: {self.log()[-2000:]}"
                self.kill()
                raise RuntimeError(message)
            time.sleep(0.05)

    def stop(self) -> None:
        """Terminate it as an operator does and wait; a second call does nothing."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """End it as a crash does and wait; a second call does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log(self) -> str:
        """Return what it has printed since its last start."""
        return self._log.read_text(errors="replace")

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def _ready(self) -> bool:
        """Return True if it accepts connections."""

    def _process_options(self) -> dict[str, Any]:
        """Return further arguments of `subprocess.Popen`."""
        return {}


def reply_to(port: int, request: bytes = b"", *, address: str = "127.0.0.1") -> bytes | None:
    """Return the start of the answer to these bytes on a new connection; None if refused."""
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            if not request:
                return b""
            connection.sendall(request)
            return connection.recv(64)
    except OSError:
        return None


def unprivileged_user(server: str) -> pwd.struct_passwd | None:
    """Return the user to run a server as that refuses to be root; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip(f"needs a user other than root for {server}: postgres or nobody")
