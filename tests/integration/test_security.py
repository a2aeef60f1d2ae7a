"""A secured broker: every way to log in and to encrypt, and what is told when it is wrong."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from aggregator.config.options import BrokerConfig
from aggregator.errors import Unavailable
from aggregator.ingest.consumer import Consumer, Settings
from aggregator.ingest.dead_letter_queue import DeadLetterQueue
from aggregator.ingest.kafka import factory
from aggregator.ingest.kafka.admin import open_brokers
from aggregator.ingest.kafka.producer import Outgoing, Sender
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from tests.ingest.doubles import (
    MemoryReports,
    MemoryRows,
    SimpleDecoder,
    good,
)
from tests.integration.servers.authority import Authority
from tests.integration.servers.kafka import KafkaServer

USER, PASSWORD = "ann", "p4ss/w0rd:@%"
PROTOCOLS = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Secured:
    """A running broker, and the certificate that its own one is signed with."""

    kafka: KafkaServer
    authority: Path
    stranger: Path

    def config(self, protocol: str, mechanism: str = "") -> BrokerConfig:
        return BrokerConfig(
            addresses=(self.kafka.address_of(protocol),),
            security_protocol=protocol,
            sasl_mechanism=mechanism,
            sasl_username=USER,
            sasl_password=PASSWORD,
            cert_path=str(self.authority) if protocol.endswith("SSL") else "",
            topic=f"test.{uuid.uuid4().hex[:12]}",
            group=f"test.{uuid.uuid4().hex[:12]}",
            timeout=5.0,
        )


def _settings(keystore: Path) -> dict[str, str]:
    settings = {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            settings[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = (
                f"{_LOGIN}.scram.ScramLoginModule required;"
            )
        settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = (
            f'{_LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        )
    return settings


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    ours = Authority(folder, "ours")
    scram = [f"{name}=[name={USER},password={PASSWORD}]" for name in MECHANISMS[1:]]
    settings = _settings(ours.keystore("localhost"))
    broker = KafkaServer(folder / "kafka", protocols=PROTOCOLS, settings=settings, scram=scram)
    with broker:
        yield Secured(broker, ours.path, Authority(folder, "stranger").path)


class Scene:
    """A consumer as the service makes it, with its dead letters and the payload tracker."""

    def __init__(self, config: BrokerConfig) -> None:
        self.reports = MemoryReports()
        self.rows = MemoryRows()
        metrics = Metrics()
        sender = Sender(factory.producer(config))
        self.consumer = Consumer(
            factory.consumer(config),
            SimpleDecoder(),
            lambda reports: self.reports.store(reports),
            DeadLetterQueue(self.rows, sender, f"{config.topic}.letters", metrics),
            Tracker(sender, f"{config.topic}.tracker", "aggregator", metrics),
            metrics,
            Settings(config.topic, batch_wait=0.05),
        )


@asynccontextmanager
async def consuming(config: BrokerConfig) -> AsyncIterator[Scene]:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    scene = Scene(config)
    running = asyncio.ensure_future(scene.consumer.run())
    try:
        yield scene
    finally:
        scene.consumer.stop()
        await asyncio.wait_for(running, 15)


async def stored(scene: Scene, count: int) -> None:
    async with asyncio.timeout(30):
        while len(scene.reports.rows) < count:
            await asyncio.sleep(0.05)


async def paused(scene: Scene) -> str:
    async with asyncio.timeout(30):
        while not scene.consumer.retrier.state.paused:
            await asyncio.sleep(0.05)
    return scene.consumer.readiness()


async def make_topics(secured: Secured, config: BrokerConfig) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=secured.kafka.address)
    await admin.start()
    try:
        letters = NewTopic(f"{config.topic}.letters", 1, 1)
        await admin.create_topics([NewTopic(config.topic, 2, 1), letters])
    finally:
        await admin.close()


async def produce(config: BrokerConfig, values: list[bytes]) -> None:
    sender = Sender(factory.producer(config))
    try:
        await sender.start()
        assert await sender.send(config.topic, [Outgoing(value) for value in values]) == []
    finally:
        await sender.stop()


WAYS = [("SSL", ""), *((protocol, name) for protocol in PROTOCOLS[1:] for name in MECHANISMS)]


@pytest.mark.parametrize(("protocol", "mechanism"), WAYS)
async def test_messages_come_and_go_whatever_the_security(
    secured: Secured, protocol: str, mechanism: str
) -> None:
    config = secured.config(protocol, mechanism)
    await make_topics(secured, config)
    await produce(config, [good(f"c{number}") for number in range(50)] + [b"bad"])
    async with consuming(config) as scene:
        await stored(scene, 50)
        async with asyncio.timeout(30), open_brokers(config) as brokers:
            letters = await brokers.partitions(f"{config.topic}.letters")
            while sum((await brokers.bounds(letters))[1].values()) < 1:
                await asyncio.sleep(0.1)
    assert len(scene.rows.refusals) == 1


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [("SASL_PLAINTEXT", "PLAIN"), ("SASL_SSL", "SCRAM-SHA-256"), ("SASL_SSL", "SCRAM-SHA-512")],
)
async def test_a_wrong_password_is_told_and_nothing_is_set_aside(
    secured: Secured, protocol: str, mechanism: str
) -> None:
    right = secured.config(protocol, mechanism)
    await make_topics(secured, right)
    await produce(right, [good("c1"), b"bad"])
    wrong = replace(right, sasl_password="wr0ng")
    async with consuming(wrong) as scene:
        reason = await paused(scene)
    assert f"{right.addresses[0]} refuses: " in reason
    assert "SaslAuthenticationFailed" in reason
    assert "wr0ng" not in reason
    assert scene.reports.rows == {}
    assert scene.rows.refusals == []
    with pytest.raises(Unavailable, match="SaslAuthenticationFailed"):
        async with open_brokers(wrong):
            pass
    async with consuming(right) as scene:
        await stored(scene, 1)


async def test_a_broker_of_a_stranger_is_told(secured: Secured) -> None:
    config = replace(secured.config("SASL_SSL", "PLAIN"), cert_path=str(secured.stranger))
    async with consuming(config) as scene:
        reason = await paused(scene)
    assert "certificate verify failed" in reason


async def test_without_cert_path_the_system_decides_whom_to_trust(secured: Secured) -> None:
    async with consuming(replace(secured.config("SSL"), cert_path="")) as scene:
        reason = await paused(scene)
    assert "certificate verify failed" in reason


@pytest.mark.parametrize(
    ("spoken", "listener", "told"),
    [
        ("PLAINTEXT", "SSL", "it expects TLS"),
        ("PLAINTEXT", "SASL_SSL", "it expects TLS"),
        ("SASL_PLAINTEXT", "SSL", "it expects TLS"),
        ("SASL_PLAINTEXT", "SASL_SSL", "it expects TLS"),
        ("SSL", "PLAINTEXT", "it does not speak TLS"),
        ("SSL", "SASL_PLAINTEXT", "it does not speak TLS"),
        ("SASL_SSL", "PLAINTEXT", "it does not speak TLS"),
        ("SASL_SSL", "SASL_PLAINTEXT", "it does not speak TLS"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "it expects a login with SASL"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "the listener has no SASL"),
        ("SASL_SSL", "SSL", "the listener has no SASL"),
        ("SSL", "SASL_SSL", "it expects a login with SASL"),
    ],
)
async def test_the_wrong_protocol_is_told(
    secured: Secured, spoken: str, listener: str, told: str
) -> None:
    address = secured.kafka.address_of(listener)
    config = replace(secured.config(spoken, "PLAIN"), addresses=(address,))
    async with consuming(config) as scene:
        reason = await paused(scene)
    assert address in reason
    assert told in reason
    assert "broker.security_protocol" in reason


async def test_a_mechanism_that_the_broker_does_not_take_is_told(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    settings = _settings(ours.keystore("localhost")) | {"sasl.enabled.mechanisms": "PLAIN"}
    broker = KafkaServer(tmp_path / "kafka", protocols=PROTOCOLS, settings=settings)
    with broker:
        config = Secured(broker, ours.path, ours.path).config("SASL_SSL", "SCRAM-SHA-512")
        async with consuming(config) as scene:
            reason = await paused(scene)
    assert "broker.sasl_mechanism" in reason
    assert "PLAIN" in reason


async def test_a_certificate_for_another_host_is_told(secured: Secured) -> None:
    config = secured.config("SSL")
    other = config.addresses[0].replace("localhost", "127.0.0.1")
    async with consuming(replace(config, addresses=(other,))) as scene:
        reason = await paused(scene)
    assert other in reason
    assert "not valid for '127.0.0.1'" in reason


def add_user(secured: Secured, name: str, password: str) -> None:
    admin = AdminClient({"bootstrap.servers": secured.kafka.address})
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    new = UserScramCredentialUpsertion(name, how, password.encode())
    for done in admin.alter_user_scram_credentials([new]).values():
        done.result(20)


async def test_a_login_that_is_put_right_lets_the_service_go_on(secured: Secured) -> None:
    right = secured.config("SASL_SSL", "SCRAM-SHA-512")
    await make_topics(secured, right)
    await produce(right, [good("c1")])
    name = f"user-{uuid.uuid4().hex[:12]}"
    async with consuming(replace(right, sasl_username=name, sasl_password="later")) as scene:
        assert "SaslAuthenticationFailed" in await paused(scene)
        await asyncio.to_thread(add_user, secured, name, "later")
        await stored(scene, 1)
        assert scene.consumer.readiness() == ""
