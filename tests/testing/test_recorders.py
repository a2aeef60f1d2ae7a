"""The recorders tell in words what ingest sent to the payload tracker and to the dead letters."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaTimeoutError
from msgspec.structs import replace

from aggregator.errors import DeadLetterLimitReached, Unavailable
from aggregator.ingest.dead_letter_queue import Limit
from testing.mocks.consumer_errors import MemoryConsumerErrors
from testing.mocks.dead_letters import DeadLetterRecorder
from testing.mocks.tracker import TrackerRecorder
from tests.ingest.doubles import ENVELOPE, kept, refused


async def test_the_tracker_tells_what_became_of_each_message() -> None:
    recorder = TrackerRecorder()
    tracker = recorder.tracker("aggregator")
    bad = refused(envelope=replace(ENVELOPE, request_id="req-2", received=False, org=None))
    await tracker.start()
    await tracker.send([kept(), bad])
    await tracker.stop()
    assert recorder.of("req-1") == ["received", "processed", "success"]
    assert recorder.of("req-2") == ["processed", "error"]
    first, last = recorder.statuses()[0], recorder.statuses()[-1]
    assert (first.service, first.org_id, first.account) == ("aggregator", "1001", "42")
    assert last.org_id is None
    assert first.at.isoformat() == "2025-03-01T10:00:00.120000+00:00"


async def test_the_tracker_fails_as_told() -> None:
    recorder = TrackerRecorder()
    recorder.fail("send", KafkaTimeoutError())
    with pytest.raises(Unavailable):
        await recorder.tracker().send([kept()])
    assert recorder.statuses() == []


async def test_a_dead_letter_says_where_the_message_was_and_why_it_is_here() -> None:
    recorder, rows = DeadLetterRecorder(), MemoryConsumerErrors()
    outcome = refused(
        "bad thing", "json", value=b"\x00{", key=b"k", headers=[("h", b"v")], offset=7, partition=3
    )
    sink = recorder.sink(rows)
    await sink.start()
    await sink.store_rows([kept(), outcome])
    await sink.send_dead_letters([kept(), outcome])
    (letter,) = recorder.letters()
    assert (letter.value, letter.key, letter.headers[0]) == (b"\x00{", b"k", ("h", b"v"))
    assert (letter.topic, letter.partition, letter.offset) == ("ccx.ocp.results", 3, 7)
    assert (letter.kind, letter.error) == ("json", "bad thing")
    assert [row.error for row in rows.rows.values()] == ["bad thing"]


def test_the_sink_has_the_limit_that_it_is_given() -> None:
    sink = DeadLetterRecorder().sink(limit=Limit(max_consecutive=2))
    with pytest.raises(DeadLetterLimitReached):
        sink.check([refused(), refused()])


async def test_a_producer_sends_single_messages_too() -> None:
    recorder = DeadLetterRecorder()
    await recorder.send_and_wait("topic", b"value", key=b"key", headers=[("h", b"v")])
    (sent,) = recorder.sent["topic"]
    assert (sent.value, sent.key, sent.headers) == (b"value", b"key", (("h", b"v"),))
