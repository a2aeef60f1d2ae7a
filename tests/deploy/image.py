"""Tests an unpacked image: read-only, as an arbitrary user of group 0, with the REST suite.

    python -m tests.deploy.image ROOT [--limit-mb N]

needs root on Linux, and the servers that TEST_POSTGRES_URL and TEST_KAFKA_BROKERS name.
`deploy/test-image.sh` builds an image and runs this.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.databases import fresh_database
from tests.integration.program import free_port

# OpenShift gives each project a range of user ids like this one, and group 0
USER, GROUP = 100_000, 0
VARIABLE = "INSIGHTS_RESULTS_AGGREGATOR__"
# what a container gets beside the image's own files
PREPARE = """
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
root=$1; shift
exec chroot --userspec="$1" --groups=0 "$root" /usr/bin/env -i "${@:2}"
"""
ENVIRONMENT = {
    "PATH": "/opt/aggregator/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/tmp",  # noqa: S108
}
START_SECONDS, STOP_SECONDS = 60, 15
MEGABYTE = 1_000_000


class Image:
    """The image's root folder, and the commands that run in it with one configuration."""

    def __init__(self, root: Path, options: dict[str, str]) -> None:
        self._root = root
        self._environment = ENVIRONMENT | {VARIABLE + name: options[name] for name in options}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command in mounts of its own, with a read-only root."""
        values = [f"{name}={value}" for name, value in self._environment.items()]
        prepared = ["unshare", "--mount", "bash", "-euc", PREPARE, "bash", str(self._root)]
        return subprocess.Popen([*prepared, f"{USER}:{GROUP}", *values, *command])

    def run(self, *command: str) -> None:
        """Run a command; exit with its status if that is not 0."""
        print("$", *command, flush=True)
        if status := self.start(*command).wait():
            sys.exit(f"{command[0]} exited with status {status}")

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        """Run the service; check that SIGTERM ends it with status 0."""
        process = self.start("insights-results-aggregator")
        try:
            _wait_until_ready(process, port)
            yield
        finally:
            process.terminate()
            status = process.wait(STOP_SECONDS)
        if status:
            sys.exit(f"the service exited with status {status}")


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            sys.exit(f"the service exited with status {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    sys.exit(f"the service is not ready after {START_SECONDS} seconds")


@asynccontextmanager
async def fresh_topics(brokers: str) -> AsyncIterator[str]:
    """Create topics of OCP, of DVO and of dead letters; delete them afterwards."""
    topic = f"test.image.{uuid.uuid4().hex[:12]}"
    names = [topic, f"{topic}.dvo", f"{topic}.dead"]
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1) for name in names])
        yield topic
        await admin.delete_topics(names)
    finally:
        await admin.close()


def options(database: sa.URL, brokers: str, topic: str, port: int) -> dict[str, str]:
    """Return the configuration of a service with REST, ingest and both storages."""
    found = {
        "BROKER__ADDRESSES": brokers,
        "BROKER__ENABLED": "true",
        "BROKER__GROUP": f"{topic}.group",
        "BROKER__TOPIC": topic,
        "BROKER__DVO_TOPIC": f"{topic}.dvo",
        "BROKER__DEAD_LETTER_QUEUE_TOPIC": f"{topic}.dead",
        "STORAGE_BACKEND__USE": "ocp_recommendations,dvo_recommendations",
        "LOGGING__LOG_LEVEL": "warn",
        "SERVER__ADDRESS": f"127.0.0.1:{port}",
        "SERVER__API_SPEC_FILE": "/openapi/openapi.json",
        "SERVER__DEBUG": "true",
    }
    for kind in ("OCP", "DVO"):
        section = f"{kind}_RECOMMENDATIONS_STORAGE__"
        found |= {
            f"{section}PG_HOST": str(database.host),
            f"{section}PG_PORT": str(database.port or 5432),
            f"{section}PG_USERNAME": str(database.username),
            f"{section}PG_PASSWORD": str(database.password or ""),
            f"{section}PG_DB_NAME": str(database.database),
        }
    return found


def size(root: Path) -> int:
    """Return the bytes that the image adds to its base."""
    files = (path for top in ("opt/aggregator", "openapi") for path in (root / top).rglob("*"))
    return sum(path.lstat().st_size for path in files if not path.is_dir())


async def check(root: Path) -> None:
    """Migrate, serve, test from Kafka to REST, stop."""
    brokers = os.environ["TEST_KAFKA_BROKERS"]
    async with fresh_database() as database, fresh_topics(brokers) as topic:
        port = free_port()
        image = Image(root, options(sa.make_url(database), brokers, topic, port))
        image.run("insights-results-aggregator", "migration", "latest")
        with image.serving(port):
            image.run("insights-results-aggregator", "healthcheck")
            url = f"http://127.0.0.1:{port}"
            data = f"kafka://{brokers}/{topic}?dvo={topic}.dvo"
            suite = ("--url", url, "--data", data, "--allow-writes", "--allow-deletes")
            command = [sys.executable, "-m", "testing.rest_suite", *suite]
            if status := subprocess.run(command).returncode:
                sys.exit(f"the REST suite exited with status {status}")


def main() -> None:
    """Check the size and the behaviour."""
    parser = argparse.ArgumentParser(description="Test an unpacked image.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--limit-mb", type=int, default=150, help="most that it adds to its base")
    arguments = parser.parse_args()
    added = size(arguments.root) / MEGABYTE
    print(f"the image adds {added:.0f} MB to its base")
    if added > arguments.limit_mb:
        sys.exit(f"that is more than {arguments.limit_mb} MB")
    if not (arguments.root / "opt/aggregator/sbom.cdx.json").is_file():
        sys.exit("/opt/aggregator/sbom.cdx.json is missing")
    asyncio.run(check(arguments.root))


if __name__ == "__main__":
    main()
