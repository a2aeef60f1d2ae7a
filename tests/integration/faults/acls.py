"""A broker with ACLs, and a service that has only the granted permissions."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.integration.faults.service_state import metrics_of
from tests.integration.program import Program, stop, until
from tests.integration.servers.kafka import KafkaServer

USER, PASSWORD = "ann", "secret"
PROTOCOL = "SASL_PLAINTEXT"
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SETTINGS = {
    "auto.create.topics.enable": "false",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "sasl.enabled.mechanisms": "PLAIN",
    f"listener.name.{PROTOCOL.lower()}.plain.sasl.jaas.config": (
        f'{_LOGIN} user_{USER}="{PASSWORD}";'
    ),
}
NOOP = {
    "OCP_RECOMMENDATIONS_STORAGE__TYPE": "noop",
    "DVO_RECOMMENDATIONS_STORAGE__TYPE": "noop",
    "LOGGING__LOG_LEVEL": "info",
}


@contextmanager
def broker_with_acls(folder: Path) -> Iterator[KafkaServer]:
    """Run a broker that allows anonymous clients everything and USER nothing."""
    with KafkaServer(folder, protocols=(PROTOCOL,), settings=SETTINGS) as broker:
        yield broker


class AclScenario:
    """A topic with dead letters and tracker, their ACLs, and a service that uses them."""

    def __init__(self, folder: Path, broker: KafkaServer, address: str = "") -> None:
        self.topic = f"test.guarded.{uuid.uuid4().hex[:12]}"
        self.dead, self.tracker = f"{self.topic}.dead", f"{self.topic}.tracker"
        self.group = f"{self.topic}.group"
        self._broker = broker
        self._admin = AdminClient({"bootstrap.servers": broker.address})
        address = address or broker.address_of(PROTOCOL)
        self.program = Program(folder, address, self.topic, sa.make_url("x://"))
        self.log = folder / "program.log"

    def create(self, *topics: str, **settings: str) -> None:
        """Create topics of one partition."""
        config = {name.replace("_", "."): value for name, value in settings.items()}
        new = [NewTopic(name, 1, 1, config=config) for name in topics]
        for done in self._admin.create_topics(new).values():
            done.result(20)

    def alter(self, topic: str, name: str, value: str) -> None:
        """Set an option of a topic."""
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for done in self._admin.incremental_alter_configs([resource]).values():
            done.result(20)

    def grant(self, name: str, *operations: str) -> None:
        """Allow the user these operations on a topic, or on the group."""
        for done in self._admin.create_acls(self._acls(name, operations)).values():
            done.result(20)

    def revoke(self, name: str, *operations: str) -> None:
        """Revoke these operations."""
        filters = [
            AclBindingFilter(
                each.restype, each.name, each.resource_pattern_type, each.principal, each.host,
                each.operation, each.permission_type,
            )
            for each in self._acls(name, operations)
        ]  # fmt: skip
        for done in self._admin.delete_acls(filters).values():
            done.result(20)

    def grant_all(self, *but: str) -> None:
        """Allow all operations that the service needs, except on these names."""
        needs = {
            self.topic: ("READ",), self.group: ("READ",),
            self.dead: ("WRITE",), self.tracker: ("WRITE",),
        }  # fmt: skip
        for name in needs.keys() - set(but):
            self.grant(name, *needs[name])

    def _acls(self, name: str, operations: Iterable[str]) -> list[AclBinding]:
        kind = ResourceType.GROUP if name == self.group else ResourceType.TOPIC
        return [
            AclBinding(
                kind, name, ResourcePatternType.LITERAL, f"User:{USER}", "*",
                AclOperation[operation], AclPermissionType.ALLOW,
            )
            for operation in operations
        ]  # fmt: skip

    async def produce(self, *values: bytes) -> None:
        """Send messages into the topic."""
        producer = AIOKafkaProducer(bootstrap_servers=self._broker.address)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(self.topic, value)
        finally:
            await producer.stop()

    async def arrives(self, topic: str, count: int) -> None:
        """Wait until the topic has this number of messages, and check that it has no more."""
        place = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=self._broker.address) as consumer:

            async def enough() -> bool:
                return bool((await consumer.end_offsets([place]))[place] >= count)

            await until(enough, 60)
            assert await consumer.end_offsets([place]) == {place: count}

    async def consumes(self, count: int) -> None:
        """Wait until the service has consumed this number of messages since its start."""

        async def done() -> bool:
            return (await metrics_of(self.program))["consumed_messages"] >= count

        await until(done, 60)

    def logged(self, level: str, words: str) -> list[str]:
        """Return the messages of that level, with these words, in the log."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line[0] == "{"]
        texts = [line.get("message", "") for line in lines if line["level"] == level]
        return [text for text in texts if words in text]


@asynccontextmanager
async def serving(
    scenario: AclScenario, *, stopped: bool = True, **overrides: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service, and stop it in the end, unless the caller does."""
    login = {
        "BROKER__SECURITY_PROTOCOL": PROTOCOL,
        "BROKER__SASL_MECHANISM": "PLAIN",
        "BROKER__SASL_USERNAME": USER,
        "BROKER__SASL_PASSWORD": PASSWORD,
    }
    process = await scenario.program.serve(**NOOP, **login, **overrides)
    try:
        yield process
        assert process.returncode is None or not stopped
        if process.returncode is None:
            assert await stop(process) == 0
    finally:
        await scenario.program.kill()
