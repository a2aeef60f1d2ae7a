"""A Kafka broker of a test, on free ports: it may be secured, stopped, killed and restarted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shutil import which

from tests.integration.program import free_port
from tests.integration.servers.process import ServerProcess
from tests.services import found

CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"
START_SECONDS = 90
# a small heap and the quickest start
JAVA = ("java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def jars() -> Path:
    """Return the folder of Kafka's jars; without them, or without Java, skip the test.

    TEST_KAFKA_JARS names it; by default it is where .ci/services puts them.
    """
    folder = Path(os.environ.get("TEST_KAFKA_JARS") or _services_home() / "lib")
    complete = which("java") and any(folder.glob("kafka_*.jar"))
    needed = f"java, and the jars of Kafka in {folder} (TEST_KAFKA_JARS names another folder)"
    return found(folder if complete else None, needed)


def _services_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    default = Path(cache) / "insights-results-aggregator-ci"
    return Path(os.environ.get("SERVICES_HOME") or default)


class KafkaServer(ServerProcess):
    """One process that is broker and controller, with its data in `folder`.

    It listens with PLAINTEXT and with each of `protocols`; `settings` are lines of its
    configuration, `scram` arguments of `--add-scram` of the storage tool. A restart keeps the
    data and the ports.
    """

    def __init__(
        self,
        folder: Path,
        *,
        protocols: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
        scram: Iterable[str] = (),
    ) -> None:
        super().__init__(folder / "kafka.log", START_SECONDS)
        self._folder = folder
        self._ports = {name: free_port() for name in ("PLAINTEXT", *protocols, "CONTROLLER")}
        self._settings = dict(settings or {})
        self._scram = tuple(scram)
        self._java = (*JAVA, "-cp", f"{jars()}/*")

    @property
    def address(self) -> str:
        """Return `host:port` of the listener without authentication."""
        return self.address_of("PLAINTEXT")

    def address_of(self, protocol: str) -> str:
        """Return `host:port` of the listener with this protocol."""
        return f"localhost:{self._ports[protocol]}"

    def advertise(self, *listeners: str) -> None:
        """Advertise these addresses to clients instead; call it before the first start."""
        self._settings["advertised.listeners"] = ",".join(listeners)

    def start(self) -> None:
        """Start, and block for some seconds until it accepts connections."""
        if not self._file.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            lines = (f"{name}={value}\n" for name, value in self._properties().items())
            self._file.write_text("".join(lines))
            self._format()
        super().start()

    @property
    def _file(self) -> Path:
        return self._folder / "server.properties"

    def _command(self) -> Sequence[str]:
        return [*self._java, "kafka.Kafka", str(self._file)]

    def _ready(self) -> bool:
        return "Kafka Server started" in self.log()

    def _format(self) -> None:
        credentials = [part for each in self._scram for part in ("--add-scram", each)]
        done = subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._file),
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
