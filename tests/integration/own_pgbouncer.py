"""A PgBouncer of a test's own in transaction mode, on a free port, before any PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import sqlalchemy as sa

from .program import free_port

SECONDS = 20


def program() -> str:
    """Return the path of pgbouncer; without it, skip the test.

    With REQUIRE_SERVICES=1 it is a failure: CI must not skip in silence.
    """
    if found := shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return found
    reason = "needs pgbouncer: install Debian's package of that name"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class OwnPgBouncer:
    """PgBouncer with few connections to the server, so that clients share them.

    `settings` are lines of its configuration.
    """

    def __init__(self, server: str, *settings: str) -> None:
        self._program = program()
        self._server = sa.make_url(server)
        self._settings = settings
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="own-pgbouncer-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        server = self._server
        user, password = server.username or "postgres", server.password or ""
        (self._folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        lines = [
            "[databases]",
            f"* = host={server.host} port={server.port or 5432} user={user} password={password}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self._port}",
            "unix_socket_dir =",
            "auth_type = plain",
            f"auth_file = {self._folder / 'users.txt'}",
            "pool_mode = transaction",
            "default_pool_size = 3",
            *self._settings,
        ]
        file = self._folder / "pgbouncer.ini"
        file.write_text("\n".join(lines) + "\n")
        account = _other_user()
        if account is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, file], cwd=self._folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, user=account.pw_uid if account else None,
                group=account.pw_gid if account else None, extra_groups=[] if account else None,
            )  # fmt: skip
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder)

    def url(self, database: str) -> sa.URL:
        """Return the SQLAlchemy URL of a database behind it."""
        return self._server.set(host="127.0.0.1", port=self._port, database=database)

    def log(self) -> str:
        """Return what it has printed."""
        return (self._folder / "log").read_text(errors="replace")

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"pgbouncer does not start: {self.log()}") from error
            time.sleep(0.05)


def _other_user() -> pwd.struct_passwd | None:
    """Return whom to run it as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("needs a user other than root for PgBouncer: postgres or nobody")
