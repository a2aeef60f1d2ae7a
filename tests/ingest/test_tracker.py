"""What the payload tracker hears."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from msgspec.structs import replace

from aggregator.errors import Unavailable
from aggregator.ingest.decode.message import Envelope
from aggregator.ingest.kafka.producer import Sender
from aggregator.ingest.tracker import Tracker, rfc3339
from aggregator.metrics import Metrics
from testing.mocks.producer import MemoryProducer
from tests.ingest.doubles import ENVELOPE, kept, refused

TOPIC = "payload-tracker"


class Scene:
    def __init__(self, topic: str = TOPIC, **producer: Any) -> None:
        self.producer = MemoryProducer(**producer)
        self.metrics = Metrics()
        self.tracker = Tracker(Sender(self.producer), topic, "aggregator", self.metrics)

    def statuses(self) -> list[dict[str, str]]:
        return [json.loads(sent.value or b"") for sent in self.producer.sent[TOPIC]]

    def words(self) -> list[str]:
        return [status["status"] for status in self.statuses()]


async def test_a_kept_message_is_received_processed_and_a_success() -> None:
    scene = Scene()
    await scene.tracker.send([kept()])
    assert scene.words() == ["received", "processed", "success"]
    for status in scene.statuses():
        date = status.pop("date")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", date)
        assert status.pop("status")
        assert status == {
            "service": "aggregator",
            "request_id": "req-1",
            "org_id": "1001",
            "account": "42",
        }
    assert scene.statuses()[0]["date"] == "2025-03-01T10:00:00.12Z"
    assert all(sent.key is None and sent.headers == () for sent in scene.producer.sent[TOPIC])


async def test_a_message_refused_before_it_counts_as_received_is_processed_and_an_error() -> None:
    scene = Scene()
    await scene.tracker.send([refused(envelope=replace(ENVELOPE, received=False))])
    assert scene.words() == ["processed", "error"]


async def test_a_message_refused_later_is_received_as_well() -> None:
    scene = Scene()
    await scene.tracker.send([refused(envelope=ENVELOPE)])
    assert scene.words() == ["received", "processed", "error"]


async def test_without_a_request_id_nothing_is_told() -> None:
    scene = Scene()
    await scene.tracker.send([kept(envelope=replace(ENVELOPE, request_id="")), refused()])
    assert scene.statuses() == []


async def test_what_is_not_known_is_left_out_but_zero_is_known() -> None:
    scene = Scene()
    await scene.tracker.send([refused(envelope=Envelope(None, 0, "req-2"))])
    assert all("org_id" not in status for status in scene.statuses())
    assert all(status["account"] == "0" for status in scene.statuses())


async def test_the_statuses_of_many_messages_keep_the_messages_order_on_one_partition() -> None:
    scene = Scene(partitions=3, batch_messages=2)
    outcomes = [kept(envelope=replace(ENVELOPE, request_id=f"req-{n}")) for n in range(20)]
    await scene.tracker.send(outcomes)
    told = [(status["request_id"], status["status"]) for status in scene.statuses()]
    words = ("received", "processed", "success")
    assert told == [(f"req-{n}", word) for n in range(20) for word in words]
    assert len({sent.partition for sent in scene.producer.sent[TOPIC]}) == 1


async def test_batches_take_turns_at_the_partitions() -> None:
    scene = Scene(partitions=3)
    for _ in range(3):
        await scene.tracker.send([kept()])
    assert {sent.partition for sent in scene.producer.sent[TOPIC]} == {0, 1, 2}


async def test_it_returns_only_when_all_is_acknowledged() -> None:
    scene = Scene()
    scene.producer.hold()
    telling = asyncio.ensure_future(scene.tracker.send([kept()]))
    await asyncio.sleep(0.01)
    assert not telling.done()
    assert "produced_messages 0.0" in scene.metrics.render().decode()
    scene.producer.answering.set()
    await telling
    assert "produced_messages 3.0" in scene.metrics.render().decode()


async def test_a_broker_that_is_away_is_unavailable_and_nothing_is_counted() -> None:
    scene = Scene()
    scene.producer.fail("send", KafkaTimeoutError())
    with pytest.raises(Unavailable, match=TOPIC):
        await scene.tracker.send([kept()])
    assert "produced_messages 0.0" in scene.metrics.render().decode()


async def test_a_topic_that_is_missing_is_unavailable() -> None:
    scene = Scene()
    scene.producer.missing_topics.add(TOPIC)
    with pytest.raises(Unavailable, match=TOPIC):
        await scene.tracker.send([kept()])


async def test_without_a_topic_it_is_silent_and_connects_nowhere() -> None:
    scene = Scene(topic="")
    await scene.tracker.start()
    await scene.tracker.send([kept()])
    assert not scene.producer.started
    assert not scene.producer.sent


async def test_odd_request_ids_are_json_all_the_same() -> None:
    scene = Scene()
    await scene.tracker.send([kept(envelope=replace(ENVELOPE, request_id='a"b\\ü\ud800'))])
    assert scene.statuses()[0]["request_id"] == 'a"b\\ü?'


@pytest.mark.parametrize(
    ("microsecond", "text"),
    [
        (0, "2025-03-01T10:00:00Z"),
        (500_000, "2025-03-01T10:00:00.5Z"),
        (123_456, "2025-03-01T10:00:00.123456Z"),
        (10, "2025-03-01T10:00:00.00001Z"),
    ],
)
def test_dates_have_no_trailing_zeros(microsecond: int, text: str) -> None:
    assert rfc3339(datetime(2025, 3, 1, 10, 0, 0, microsecond)) == text
