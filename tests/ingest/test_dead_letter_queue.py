"""Invalid messages: rows of consumer_error, dead letters and their limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from aggregator.errors import DeadLetterLimitReached, RecordRejected, Unavailable
from aggregator.ingest.dead_letter_queue import WINDOW, DeadLetterQueue, Limit
from aggregator.ingest.kafka.producer import Sender
from aggregator.metrics import Metrics
from testing.mocks.producer import MemoryProducer
from tests.ingest.doubles import MemoryRows, kept, refused

TOPIC = "dead-letters"


class Scene:
    def __init__(self, limit: Limit | None = None, topic: str = TOPIC, **producer: Any) -> None:
        self.rows = MemoryRows()
        self.producer = MemoryProducer(**producer)
        self.metrics = Metrics()
        self.sink = DeadLetterQueue(self.rows, Sender(self.producer), topic, self.metrics, limit)

    def letters(self) -> list[Any]:
        return self.producer.sent[TOPIC]


async def test_a_dead_letter_has_key_value_headers_and_origin() -> None:
    scene = Scene()
    outcome = refused(
        "missing required attribute 'OrgID'",
        "missing_attribute",
        value=b'\xff{"a": 1}\x00',
        key=b"key",
        headers=(("trace", b"1"), ("trace", b"2")),
        partition=3,
        offset=2**40,
    )
    await scene.sink.send_dead_letters([kept(), outcome])
    (letter,) = scene.letters()
    assert letter.value == b'\xff{"a": 1}\x00'
    assert letter.key == b"key"
    assert letter.headers == (
        ("trace", b"1"),
        ("trace", b"2"),
        ("x-original-topic", b"ccx.ocp.results"),
        ("x-original-partition", b"3"),
        ("x-original-offset", b"1099511627776"),
        ("x-original-timestamp", b"1740823200123"),
        ("x-error", b"missing required attribute 'OrgID'"),
        ("x-error-kind", b"missing_attribute"),
    )
    assert "produced_messages 1.0" in scene.metrics.render().decode()


async def test_a_tombstone_stays_a_tombstone() -> None:
    scene = Scene()
    await scene.sink.send_dead_letters([refused(value=None)])
    assert scene.letters()[0].value is None
    assert scene.letters()[0].key is None


async def test_letters_keep_the_order_within_their_partition() -> None:
    scene = Scene(partitions=2, batch_messages=3)
    outcomes = [refused(offset=n, partition=n % 2, value=b"%d" % n) for n in range(20)]
    await scene.sink.send_dead_letters(outcomes)
    for partition in (0, 1):
        values = [int(sent.value) for sent in scene.letters() if sent.partition == partition]
        assert values == list(range(partition, 20, 2))


async def test_a_letter_too_large_for_the_topic_is_sent_without_its_value() -> None:
    scene = Scene(largest=1000)
    outcomes = [refused(value=b"a"), refused(value=b"x" * 2000, offset=7), refused(value=b"b")]
    await scene.sink.send_dead_letters(outcomes)
    assert [sent.value for sent in scene.letters()] == [b"a", b"b", None]
    headers = dict(scene.letters()[2].headers)
    assert headers["x-value-omitted"] == b"2000"
    assert headers["x-original-offset"] == b"7"


async def test_a_broker_that_is_away_is_unavailable() -> None:
    scene = Scene()
    scene.producer.fail("send", KafkaTimeoutError())
    with pytest.raises(Unavailable, match=TOPIC):
        await scene.sink.send_dead_letters([refused()])


async def test_without_a_topic_no_letter_is_sent() -> None:
    scene = Scene(topic="")
    await scene.sink.send_dead_letters([refused()])
    assert not scene.producer.sent


async def test_a_row_tells_where_the_message_was_and_what_was_wrong() -> None:
    scene = Scene()
    await scene.sink.store_rows([kept(), refused("bad", value=b"v", key=b"k", offset=5)])
    (row,) = scene.rows.refusals
    assert (row.topic, row.partition, row.offset) == ("ccx.ocp.results", 0, 5)
    assert (row.key, row.value, row.error) == (b"k", b"v", "bad")
    assert row.produced_at == datetime(2025, 3, 1, 10, 0, 0, 123000)
    assert row.consumed_at.tzinfo is None


async def test_a_batch_without_refused_messages_touches_no_table() -> None:
    scene = Scene()
    scene.rows.error = AssertionError("the table was asked")
    await scene.sink.store_rows([kept()])


async def test_a_row_that_the_database_refuses_does_not_hold_up_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    scene.rows.error = RecordRejected("too long")
    await scene.sink.store_rows([refused()])
    assert "Unable to write consumer error to storage" in caplog.text


async def test_a_database_that_is_away_is_not_swallowed() -> None:
    scene = Scene()
    scene.rows.error = Unavailable("database: no")
    with pytest.raises(Unavailable):
        await scene.sink.store_rows([refused()])


def test_a_run_of_refused_messages_stops_with_a_clear_word() -> None:
    sink = Scene(Limit(max_consecutive=3)).sink
    sink.check([refused(offset=0), refused(offset=1), kept(), refused(offset=3)])
    with pytest.raises(DeadLetterLimitReached) as caught:
        sink.check([refused(offset=4), refused("no JSON", offset=5)])
    for word in (
        "3 consecutive messages",
        "partition 0",
        "offset 5",
        "no JSON",
        "dead_letter_max_consecutive",
    ):
        assert word in str(caught.value)


def test_runs_are_counted_by_partition() -> None:
    sink = Scene(Limit(max_consecutive=3)).sink
    sink.check([refused(partition=n % 3) for n in range(6)])
    with pytest.raises(DeadLetterLimitReached, match="partition 1"):
        sink.check([refused(partition=1)])


def test_a_share_counts_only_when_the_window_is_full() -> None:
    sink = Scene(Limit(max_ratio=0.5)).sink
    sink.check([refused()] * (WINDOW - 1))
    with pytest.raises(DeadLetterLimitReached, match=f"{WINDOW} of the last {WINDOW} messages"):
        sink.check([refused()])


def test_a_share_slides_with_the_window() -> None:
    sink = Scene(Limit(max_ratio=0.5)).sink
    sink.check([kept()] * WINDOW)
    sink.check([refused()] * (WINDOW // 2 - 1))
    sink.check([kept()] * WINDOW)
    sink.check([refused()] * (WINDOW // 2 - 1))
    with pytest.raises(DeadLetterLimitReached, match=f"{WINDOW // 2} of the last"):
        sink.check([refused()])


def test_no_limit_is_no_limit() -> None:
    Scene(Limit()).sink.check([refused()] * (WINDOW * 3))


def test_counts_are_reset_when_other_partitions_are_assigned() -> None:
    sink = Scene(Limit(max_consecutive=3)).sink
    sink.check([refused()] * 2)
    sink.forget()
    sink.check([refused()] * 2)


@pytest.mark.parametrize(
    ("timestamp", "told"),
    [
        (1_700_000_000_000_000, datetime(9999, 12, 31, 23, 59, 59)),
        (2**63 - 1, datetime(9999, 12, 31, 23, 59, 59)),
        (-(2**63), datetime(1, 1, 1, 0, 0, 1)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999000)),
        (0, datetime(1970, 1, 1)),
        (None, datetime(1970, 1, 1)),
    ],
)
async def test_a_row_has_the_nearest_time_that_the_table_can_hold(
    timestamp: int | None, told: datetime
) -> None:
    scene = Scene()
    outcome = refused(timestamp=timestamp)
    await scene.sink.store_rows([outcome])
    await scene.sink.send_dead_letters([outcome])
    assert scene.rows.refusals[0].produced_at == told
    assert ("x-original-timestamp", str(timestamp).encode()) in scene.letters()[0].headers


async def test_a_letter_whose_headers_are_too_large_is_sent_with_ours_alone() -> None:
    scene = Scene(largest=1000)
    headers = (("x-error", b"e" * 2000), ("own", None), ("k\udcff", b"v"))
    await scene.sink.send_dead_letters(
        [refused("bad", key=b"k" * 50, value=b"v" * 50, headers=headers)]
    )
    (letter,) = scene.letters()
    assert (letter.key, letter.value) == (None, None)
    told = dict(letter.headers)
    assert told["x-error"] == b"bad"
    assert (told["x-value-omitted"], told["x-headers-omitted"]) == (b"50", b"3")
    assert "own" not in told
