"""Topics and permissions that are missing: the service says which, waits, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.guarded import Guarded, guarded_broker, serving
from tests.integration.faults.watching import becomes_paused, becomes_ready
from tests.integration.servers.kafka import KafkaServer
from tests.integration.test_main_job import message


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    with guarded_broker(tmp_path_factory.mktemp("guarded") / "kafka") as running:
        yield running


@pytest.fixture
def guarded(broker: KafkaServer, tmp_path: Path) -> Guarded:
    return Guarded(tmp_path, broker)


async def test_a_topic_that_does_not_exist_is_named_and_waited_for(guarded: Guarded) -> None:
    guarded.create(guarded.dead, guarded.tracker)
    guarded.grant_all()
    async with serving(guarded):
        reason = await becomes_paused(guarded.program)
        assert f"topic '{guarded.topic}' does not exist" in reason
        guarded.create(guarded.topic)
        await guarded.produce(message(1))
        await guarded.consumes(1)
        await becomes_ready(guarded.program)
    assert len(guarded.logged("warn", "does not exist")) == 1
    assert guarded.logged("error", "") == []
    assert len(guarded.logged("info", "available again")) == 1


@pytest.mark.parametrize("name", ["topic", "group", "dead", "tracker"])
async def test_a_missing_permission_is_named_and_waited_for(guarded: Guarded, name: str) -> None:
    missing = getattr(guarded, name)
    guarded.create(guarded.topic, guarded.dead, guarded.tracker)
    guarded.grant_all(missing)
    await guarded.produce(message(1), b"bad")
    async with serving(guarded):
        reason = await becomes_paused(guarded.program)
        assert missing in reason
        assert "ACL" in reason
        guarded.grant_all()
        await guarded.consumes(2)
        await becomes_ready(guarded.program)
        await guarded.arrives(guarded.dead, 1)
        await guarded.arrives(guarded.tracker, 3)
    assert len(guarded.logged("warn", "consuming is paused")) == 1
    assert guarded.logged("error", "") == []


@pytest.mark.parametrize("name", ["topic", "group", "dead", "tracker"])
async def test_a_permission_that_is_taken_back_is_named_and_waited_for(
    guarded: Guarded, name: str
) -> None:
    missing = getattr(guarded, name)
    operation = "WRITE" if name in ("dead", "tracker") else "READ"
    guarded.create(guarded.topic, guarded.dead, guarded.tracker)
    guarded.grant_all()
    async with serving(guarded):
        await guarded.produce(message(1))
        await guarded.consumes(1)
        guarded.revoke(missing, operation)
        await guarded.produce(message(2), b"bad")
        reason = await becomes_paused(guarded.program)
        assert missing in reason
        assert "ACL" in reason
        guarded.grant(missing, operation)
        await becomes_ready(guarded.program)
        await guarded.consumes(3)
        await guarded.produce(message(3))
        await guarded.consumes(4)


@pytest.mark.parametrize("name", ["dead", "tracker"])
async def test_a_topic_for_answers_that_is_missing_or_compacted_is_named(
    guarded: Guarded, name: str
) -> None:
    topic = getattr(guarded, name)
    (other,) = {guarded.dead, guarded.tracker} - {topic}
    guarded.create(guarded.topic, other)
    guarded.grant_all()
    guarded.grant(topic, "DESCRIBE_CONFIGS")
    async with serving(guarded):
        reason = await becomes_paused(guarded.program)
        assert f"topic '{topic}'" in reason
        assert "does not exist" in reason
        guarded.create(topic, cleanup_policy="compact")
        while "compacted" not in reason:
            reason = await becomes_paused(guarded.program)
        assert f"topic '{topic}' is compacted" in reason
        guarded.alter(topic, "cleanup.policy", "delete")
        await guarded.produce(b"bad")
        await guarded.consumes(1)
        await becomes_ready(guarded.program)


@pytest.mark.parametrize("name", ["dead", "tracker"])
async def test_a_compacted_topic_is_named_though_its_policy_may_not_be_read(
    guarded: Guarded, name: str
) -> None:
    topic = getattr(guarded, name)
    (other,) = {guarded.dead, guarded.tracker} - {topic}
    guarded.create(guarded.topic, other)
    guarded.create(topic, cleanup_policy="compact")
    guarded.grant_all()
    async with serving(guarded):
        await becomes_ready(guarded.program)
        await guarded.produce(message(1), b"bad")
        reason = await becomes_paused(guarded.program)
        assert f"topic '{topic}'" in reason
        assert "cleanup.policy=compact" in reason
        guarded.alter(topic, "cleanup.policy", "delete")
        await becomes_ready(guarded.program)
        await guarded.arrives(guarded.dead, 1)
