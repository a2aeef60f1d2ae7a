"""A Kafka of a test's own, on free ports: it may be stopped, killed, secured and started again."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Self

import pytest

from .program import free_port

CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"
START_SECONDS = 90
STOP_SECONDS = 30
# one test's broker is small, and has to be up soon
JAVA = ("java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def jars() -> Path:
    """Return the folder of Kafka's jars; without them, or without Java, skip the test.

    TEST_KAFKA_JARS names it, else it is where .ci/services puts them. With REQUIRE_SERVICES=1
    it is a failure: CI must not skip in silence.
    """
    folder = Path(os.environ.get("TEST_KAFKA_JARS") or _of_ci() / "lib")
    if which("java") and any(folder.glob("kafka_*.jar")):
        return folder
    reason = f"needs java, and the jars of Kafka in {folder} (TEST_KAFKA_JARS names another place)"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _of_ci() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    ours = Path(cache) / "insights-results-aggregator-ci"
    return Path(os.environ.get("SERVICES_HOME") or ours)


class OwnKafka:
    """One process that is broker and controller, with its data in `folder`.

    It listens with PLAINTEXT and with each of `protocols` besides; `settings` are lines of its
    configuration, `scram` what `--add-scram` of the storage tool takes. What was committed is
    still there when it is started again, on the same ports.
    """

    def __init__(
        self,
        folder: Path,
        *,
        protocols: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
        scram: Iterable[str] = (),
    ) -> None:
        self._folder = folder
        self._ports = {name: free_port() for name in ("PLAINTEXT", *protocols, "CONTROLLER")}
        self._settings = dict(settings or {})
        self._scram = tuple(scram)
        self._java = (*JAVA, "-cp", f"{jars()}/*")
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

    @property
    def address(self) -> str:
        """Return `host:port` of the listener that asks for nothing."""
        return self.address_of("PLAINTEXT")

    def address_of(self, protocol: str) -> str:
        """Return `host:port` of the listener with this protocol."""
        return f"localhost:{self._ports[protocol]}"

    def advertise(self, *listeners: str) -> None:
        """Tell clients these addresses instead; call it before the first start."""
        self._settings["advertised.listeners"] = ",".join(listeners)

    def start(self) -> None:
        """Start, and return when it takes connections; it blocks for some seconds."""
        file = self._folder / "server.properties"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            lines = (f"{name}={value}\n" for name, value in self._properties().items())
            file.write_text("".join(lines))
            self._format(file)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while b"Kafka Server started" not in self._log.read_bytes():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Kafka does not start: {self.log()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end, as an operator does, and wait."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash does; a second call does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log(self) -> str:
        """Return what it has printed since its last start."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self._folder / "kafka.log"

    def _format(self, file: Path) -> None:
        credentials = [part for each in self._scram for part in ("--add-scram", each)]
        done = subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(file),
             *credentials],
            capture_output=True, text=True, timeout=START_SECONDS,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"Kafka's storage cannot be formatted: {done.stdout}{done.stderr}")

    def _properties(self) -> dict[str, str]:
        listening = [f"{name}://localhost:{port}" for name, port in self._ports.items()]
        kinds = {name: name for name in self._ports} | {"CONTROLLER": "PLAINTEXT"}
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@localhost:{self._ports['CONTROLLER']}",
            "listeners": ",".join(listening),
            "advertised.listeners": ",".join(listening[:-1]),
            "listener.security.protocol.map": ",".join(f"{a}:{b}" for a, b in kinds.items()),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._folder / "log"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
        } | self._settings
