"""A service under measurement: a command, its configuration, its process."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from benchmarks import backlog, ports

PREFIX = "/api/insights-results-aggregator/v1/"
OURS = f"{shlex.quote(sys.executable)} -m aggregator"
BROKER = """
[broker]
addresses = "{brokers}"
topic = "{topic}"
payload_tracker_topic = "{topic}.tracker"
dead_letter_queue_topic = "{topic}.dead"
service_name = "insights-results-aggregator"
group = "{group}"
security_protocol = ""
enable_org_allowlist = false
enabled = {enabled}

[server]
address = "127.0.0.1:{port}"
api_prefix = "{prefix}"
api_spec_file = "openapi.json"
debug = true
auth = false
auth_type = "xrh"
maximum_feedback_message_length = 255
org_overview_limit_hours = 2

[storage_backend]
use = "ocp_recommendations"

[logging]
debug = false
log_level = "warn"

[metrics]
namespace = ""
"""
POSTGRES = """
[{name}]
type = "sql"
db_driver = "postgres"
pg_username = "{url.username}"
pg_password = "{url.password}"
pg_host = "{url.host}"
pg_port = {port}
pg_db_name = "{url.database}"
pg_params = "sslmode=disable"
log_sql_queries = false
"""
SQLITE = """
[{name}]
type = "sql"
db_driver = "sqlite3"
sqlite_datasource = "{url.database}"
"""
SECTIONS = ("ocp_recommendations_storage", "dvo_recommendations_storage")


@dataclass
class Candidate:
    """A command with one configuration; both services read this form."""

    name: str
    command: str
    folder: Path
    database: sa.URL
    brokers: str = ""
    topic: str = "none"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=ports.free)

    def __post_init__(self) -> None:
        """Write the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = BROKER.format(
            brokers=self.brokers or "localhost:9092",
            topic=self.topic,
            group=backlog.group_of(self.topic),
            enabled=str(bool(self.brokers)).lower(),
            port=self.port,
            prefix=PREFIX,
        )
        storage = SQLITE if self.database.get_backend_name() == "sqlite" else POSTGRES
        for name in SECTIONS:
            text += storage.format(name=name, url=self.database, port=self.database.port or 5432)
        (self.folder / "config.toml").write_text(text)
        (self.folder / "openapi.json").write_text('{"openapi": "3.0.0", "paths": {}}')

    @property
    def url(self) -> str:
        """Return where its API is."""
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the command; its output goes to a file in its folder."""
        variables = {"INSIGHTS_RESULTS_AGGREGATOR_CONFIG_FILE": str(self.folder / "config.toml")}
        with (self.folder / "output.log").open("ab") as log:
            return subprocess.Popen(
                [*shlex.split(self.command), *arguments],
                env=os.environ | variables | self.environment,
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip

    def migrate(self) -> None:
        """Bring both schemas of the database to the latest version."""
        for use in ("ocp_recommendations", "dvo_recommendations"):
            variables = {"INSIGHTS_RESULTS_AGGREGATOR__STORAGE_BACKEND__USE": use}
            before, self.environment = self.environment, self.environment | variables
            status = self.start("migration", "latest").wait(60)
            self.environment = before
            if status:
                sys.exit(f"{self.name}: migration failed, see {self.folder / 'output.log'}")

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the service as long as the block, from its first answer on."""
        process = self.start("start-service")
        try:
            self._wait_for_answer(process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None:
            if self.metrics() is not None:
                return
            time.sleep(0.02)
        sys.exit(f"{self.name} does not answer, see {self.folder / 'output.log'}")

    def metrics(self) -> dict[str, float] | None:
        """Return its metrics without labels, None when it does not answer."""
        try:
            # the benchmark makes the URL itself: http:// and a port of this machine
            with urllib.request.urlopen(self.url + "metrics", timeout=10) as answer:  # noqa: S310
                text = answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None
        return {
            name: float(value) for name, value in re.findall(r"^(\w+)(?:\{\})? (\S+)$", text, re.M)
        }
