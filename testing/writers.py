"""Writers of generated messages: standard output, folder, Kafka topic."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

from .fixtures import GeneratedMessage
from .packages import MissingPackage, of_testing

KAFKA_FORM = "kafka://HOST:PORT[,HOST:PORT]/TOPIC[?dvo=TOPIC]"
CONNECT_SECONDS = 10
FLUSH_SECONDS = 60


class CannotWrite(Exception):
    """The messages cannot be written there; the text names the place and says why."""


def to_stream(messages: Iterable[GeneratedMessage], stream: BinaryIO) -> None:
    """Write a message a line."""
    for made in messages:
        stream.write(made.value + b"\n")
    stream.flush()


def to_folder(messages: Iterable[GeneratedMessage], folder: Path) -> None:
    """Write a message a file, whose name says its place, its kind and its fault."""
    if folder.exists() and not folder.is_dir():
        raise CannotWrite(f"'{folder}' is no folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CannotWrite(f"'{folder}' is not empty")
        for number, made in enumerate(messages, 1):
            fault = f"-bad-{made.fault}" if made.fault else ""
            (folder / f"{number:07}-{made.kind}{fault}.json").write_bytes(made.value)
    except OSError as error:
        raise CannotWrite(f"'{folder}': {error.strerror}") from error


def check_kafka(url: str, kinds: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the brokers, and the topic of each kind; raise CannotWrite for a wrong URL."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    topic = parts.path.strip("/")
    if not parts.netloc or not topic or set(query) - {"dvo"}:
        raise CannotWrite(f"{KAFKA_FORM} expected, not '{url}'")
    wanted = tuple(kinds)
    dvo = query.get("dvo", [""])[0] or ("" if len(wanted) > 1 else topic)
    if "dvo" in wanted and not dvo:
        raise CannotWrite(f"both kinds need two topics: {KAFKA_FORM}")
    return parts.netloc, {"ocp": topic, "dvo": dvo}


class KafkaWriter:
    """A producer that keeps the messages of a cluster in order."""

    def __init__(self, brokers: str, topics: dict[str, str]) -> None:
        try:
            with of_testing():
                import confluent_kafka
        except MissingPackage as error:
            raise CannotWrite(f"kafka://{brokers}: {error}") from None
        self._failure = confluent_kafka.KafkaException
        self._brokers = brokers
        self._topics = topics
        self._error = ""
        self._partitions: dict[str, int] = {}
        self._producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.max.bytes": 100_000_000,
                "message.timeout.ms": FLUSH_SECONDS * 1000,
                # what is wrong is said once, by us
                "log_level": 0,
            }
        )

    def send(self, messages: Iterable[GeneratedMessage]) -> None:
        """Send all messages and wait until they are acknowledged; raise CannotWrite."""
        for made in messages:
            self._send(self._topics[made.kind], made)
        left = self._producer.flush(FLUSH_SECONDS)
        if self._error or left:
            reason = self._error or f"{left} messages are not acknowledged"
            raise CannotWrite(f"kafka://{self._brokers}: {reason}")

    def _send(self, topic: str, made: GeneratedMessage) -> None:
        partition = zlib.crc32(_cluster(made)) % self._partitions_of(topic)
        while True:
            try:
                # what is empty is sent as null, a tombstone
                self._producer.produce(
                    topic, made.value or None, partition=partition, on_delivery=self._delivered
                )
            except BufferError:
                self._producer.poll(1)
                continue
            except self._failure as error:
                raise CannotWrite(f"kafka://{self._brokers}/{topic}: {_said(error)}") from error
            self._producer.poll(0)
            if self._error:
                raise CannotWrite(f"kafka://{self._brokers}/{topic}: {self._error}")
            return

    def _partitions_of(self, topic: str) -> int:
        """Return the number of partitions; a topic that is not there may be made by asking."""
        if topic not in self._partitions:
            try:
                found = self._producer.list_topics(topic, timeout=CONNECT_SECONDS).topics[topic]
            except self._failure as error:
                raise CannotWrite(f"kafka://{self._brokers}/{topic}: {_said(error)}") from error
            self._partitions[topic] = max(1, len(found.partitions))
        return self._partitions[topic]

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._error = str(error)


def _said(error: Exception) -> str:
    """Return the reason of a KafkaException."""
    return str(error.args[0].str()) if error.args else str(error)


def _cluster(made: GeneratedMessage) -> bytes:
    """Return the cluster's name, nothing when a broken message does not tell it."""
    try:
        return str(json.loads(made.value)["ClusterName"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return b""
