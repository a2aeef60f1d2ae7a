"""A streaming replica of a PostgreSQL server of a test: it may be stopped and promoted."""

from __future__ import annotations

from tests.integration.servers.postgres import PostgresServer
from tests.services import found


class ReplicaServer(PostgresServer):
    """A hot standby that streams from `primary`, which must be running when it is entered.

    It has an address of its own and the same port, as two hosts of a cluster have.
    """

    address = "127.0.0.2"

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__()
        self._primary = primary
        self.port = primary.port
        program = self._binaries / "pg_basebackup"
        found(program if program.exists() else None, "pg_basebackup of PostgreSQL")

    def promote(self) -> None:
        """Make it a primary; return when it takes writes."""
        self._run("pg_ctl", "-w", "promote")

    def _create(self) -> None:
        self._run(
            "pg_basebackup", f"--host={self._primary.address}", f"--port={self._primary.port}",
            "--username=postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        )  # fmt: skip
