"""Missing topics and permissions: the service reports them, pauses, and resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.acls import AclScenario, broker_with_acls, serving
from tests.integration.faults.service_state import becomes_paused, becomes_ready
from tests.integration.servers.kafka import KafkaServer
from tests.integration.test_main_job import message


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    with broker_with_acls(tmp_path_factory.mktemp("scenario") / "kafka") as running:
        yield running


@pytest.fixture
def scenario(broker: KafkaServer, tmp_path: Path) -> AclScenario:
    return AclScenario(tmp_path, broker)


async def test_a_missing_topic_pauses_and_is_named(scenario: AclScenario) -> None:
    scenario.create(scenario.dead, scenario.tracker)
    scenario.grant_all()
    async with serving(scenario):
        reason = await becomes_paused(scenario.program)
        assert f"topic '{scenario.topic}' does not exist" in reason
        scenario.create(scenario.topic)
        await scenario.produce(message(1))
        await scenario.consumes(1)
        await becomes_ready(scenario.program)
    assert len(scenario.logged("warn", "does not exist")) == 1
    assert scenario.logged("error", "") == []
    assert len(scenario.logged("info", "available again")) == 1


@pytest.mark.parametrize("name", ["topic", "group", "dead", "tracker"])
async def test_a_missing_permission_pauses_and_is_named(scenario: AclScenario, name: str) -> None:
    missing = getattr(scenario, name)
    scenario.create(scenario.topic, scenario.dead, scenario.tracker)
    scenario.grant_all(missing)
    await scenario.produce(message(1), b"bad")
    async with serving(scenario):
        reason = await becomes_paused(scenario.program)
        assert missing in reason
        assert "ACL" in reason
        scenario.grant_all()
        await scenario.consumes(2)
        await becomes_ready(scenario.program)
        await scenario.arrives(scenario.dead, 1)
        await scenario.arrives(scenario.tracker, 3)
    assert len(scenario.logged("warn", "consuming is paused")) == 1
    assert scenario.logged("error", "") == []


@pytest.mark.parametrize("name", ["topic", "group", "dead", "tracker"])
async def test_a_revoked_permission_pauses_and_is_named(scenario: AclScenario, name: str) -> None:
    missing = getattr(scenario, name)
    operation = "WRITE" if name in ("dead", "tracker") else "READ"
    scenario.create(scenario.topic, scenario.dead, scenario.tracker)
    scenario.grant_all()
    async with serving(scenario):
        await scenario.produce(message(1))
        await scenario.consumes(1)
        scenario.revoke(missing, operation)
        await scenario.produce(message(2), b"bad")
        reason = await becomes_paused(scenario.program)
        assert missing in reason
        assert "ACL" in reason
        scenario.grant(missing, operation)
        await becomes_ready(scenario.program)
        await scenario.consumes(3)
        await scenario.produce(message(3))
        await scenario.consumes(4)


@pytest.mark.parametrize("name", ["dead", "tracker"])
async def test_a_missing_or_compacted_output_topic_is_named(
    scenario: AclScenario, name: str
) -> None:
    topic = getattr(scenario, name)
    (other,) = {scenario.dead, scenario.tracker} - {topic}
    scenario.create(scenario.topic, other)
    scenario.grant_all()
    scenario.grant(topic, "DESCRIBE_CONFIGS")
    async with serving(scenario):
        reason = await becomes_paused(scenario.program)
        assert f"topic '{topic}'" in reason
        assert "does not exist" in reason
        scenario.create(topic, cleanup_policy="compact")
        while "compacted" not in reason:
            reason = await becomes_paused(scenario.program)
        assert f"topic '{topic}' is compacted" in reason
        scenario.alter(topic, "cleanup.policy", "delete")
        await scenario.produce(b"bad")
        await scenario.consumes(1)
        await becomes_ready(scenario.program)


@pytest.mark.parametrize("name", ["dead", "tracker"])
async def test_a_compacted_topic_is_named_without_the_right_to_read_its_policy(
    scenario: AclScenario, name: str
) -> None:
    topic = getattr(scenario, name)
    (other,) = {scenario.dead, scenario.tracker} - {topic}
    scenario.create(scenario.topic, other)
    scenario.create(topic, cleanup_policy="compact")
    scenario.grant_all()
    async with serving(scenario):
        await becomes_ready(scenario.program)
        await scenario.produce(message(1), b"bad")
        reason = await becomes_paused(scenario.program)
        assert f"topic '{topic}'" in reason
        assert "cleanup.policy=compact" in reason
        scenario.alter(topic, "cleanup.policy", "delete")
        await becomes_ready(scenario.program)
        await scenario.arrives(scenario.dead, 1)
