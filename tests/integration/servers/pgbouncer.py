"""A PgBouncer of a test, in transaction mode, on a free port, in front of a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.integration.program import free_port
from tests.integration.servers.process import ServerProcess, reply_to, unprivileged_user
from tests.services import found

START_SECONDS = 20


def program() -> str:
    """Return the path of pgbouncer; without it, skip the test."""
    path = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found(path, "pgbouncer: install Debian's package of that name")


class PgBouncerServer(ServerProcess):
    """PgBouncer with few connections to the server, so that clients share them.

    `settings` are lines of its configuration.
    """

    def __init__(
        self, server: str, *settings: str, address: str = "127.0.0.1", port: int | None = None
    ) -> None:
        self._program = program()
        self._server = sa.make_url(server)
        self._settings = settings
        self.address = address
        self.port = port or free_port()
        self._user = unprivileged_user("PgBouncer")
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        super().__init__(self._folder / "log", START_SECONDS)

    def start(self) -> None:
        """Write the configuration, start, and block until it accepts connections."""
        server = self._server
        user, password = server.username or "postgres", server.password or ""
        (self._folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        lines = [
            "[databases]",
            f"* = host={server.host} port={server.port or 5432} user={user} password={password}",
            "[pgbouncer]",
            f"listen_addr = {self.address}",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = plain",
            f"auth_file = {self._folder / 'users.txt'}",
            "pool_mode = transaction",
            "default_pool_size = 3",
            *self._settings,
        ]
        self._file.write_text("\n".join(lines) + "\n")
        if self._user is not None:
            for path in (self._folder, *self._folder.iterdir()):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        super().start()

    def kill(self) -> None:
        """End it and delete its files."""
        super().kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> sa.URL:
        """Return the SQLAlchemy URL of a database behind it."""
        return self._server.set(host=self.address, port=self.port, database=database)

    @property
    def _file(self) -> Path:
        return self._folder / "pgbouncer.ini"

    def _command(self) -> Sequence[str]:
        return [self._program, str(self._file)]

    def _process_options(self) -> dict[str, Any]:
        if self._user is None:
            return {"cwd": self._folder}
        user, group = self._user.pw_uid, self._user.pw_gid
        return {"cwd": self._folder, "user": user, "group": group, "extra_groups": []}

    def _ready(self) -> bool:
        return reply_to(self.port, address=self.address) is not None
