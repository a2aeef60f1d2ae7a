"""Decoding within limits of memory and time: budget, threads, what is taken from the broker."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher

from aggregator.ingest import budget
from aggregator.ingest.budget import Budget
from aggregator.ingest.decode import executor, payload
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import (
    MOST_PARTS,
    Decoded,
    Envelope,
    InvalidMessage,
)
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.kafka.record_batches import RecordBatches
from aggregator.ingest.kafka.records import (
    PartitionRecords,
    Room,
    UnreadableRecord,
    _FetchResult,
)
from aggregator.ingest.pipeline import prefetch
from tests.ingest.doubles import SimpleDecoder, good, record
from tests.ingest.kafka.raw_batches import Raw, batch

PLACE = TopicPartition("results", 3)
MOST = 8 * 1024 * 1024


async def parts(
    *records: ConsumerRecord,
) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
    yield records


async def test_what_does_not_fit_in_the_budget_waits_for_room() -> None:
    records = [record(good(f"c{number}", pad="x" * 1000)) for number in range(5)]
    room = Budget(2500)
    async with (
        aclosing(parts(*records)) as chunks,
        aclosing(executor.decoded(chunks, SimpleDecoder(), room)) as outcomes,
    ):
        first = await anext(outcomes)
        assert len(first) == 3
        waiting = asyncio.ensure_future(anext(outcomes))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        room.release(sum(one.size for one in first))
        assert len(await waiting) == 2


async def test_a_message_larger_than_the_budget_is_decoded_alone() -> None:
    records = [record(good(f"c{number}")) for number in range(3)]
    room = Budget(1)
    sizes = []
    async for outcomes in executor.decoded(parts(*records), SimpleDecoder(), room):
        sizes.append(len(outcomes))
        room.release(sum(one.size for one in outcomes))
    assert sizes == [1, 1, 1]


async def test_what_takes_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "CHUNK_SECONDS", 0)
    records = [record(good(f"c{number}")) for number in range(3)]
    found = [one async for one in executor.decoded(parts(*records), SimpleDecoder(), Budget())]
    assert [len(outcomes) for outcomes in found] == [1, 1, 1]


class ThreadDecoder(SimpleDecoder):
    """Notes in which thread it decodes."""

    def __init__(self) -> None:
        self.threads: list[bool] = []

    def decode(self, value: bytes | None) -> Decoded[Any]:
        self.threads.append(threading.current_thread() is threading.main_thread())
        return super().decode(payload.unpacked(value or b"", MOST))


async def test_large_messages_are_decoded_in_a_thread() -> None:
    small, large = good("a"), good("b", pad="x" * payload.LIGHT)
    values = [small, gzip.compress(small), large, gzip.compress(large), gzip.compress(b"") * 9999]
    decoder = ThreadDecoder()
    records = [record(value) for value in values]
    (outcomes,) = [one async for one in executor.decoded(parts(*records), decoder, Budget())]
    assert decoder.threads == [True, True, False, False, False]
    assert [one.invalid for one in outcomes] == [False, False, False, False, True]


async def test_an_unreadable_record_is_refused_without_being_decoded() -> None:
    fields = vars(record(good("a")))
    unreadable = UnreadableRecord(**fields)
    unreadable.kind, unreadable.error = "record", "no"
    ((outcome,),) = [
        one async for one in executor.decoded(parts(unreadable), SimpleDecoder(), Budget())
    ]
    assert (outcome.kind, outcome.error, outcome.report) == ("record", "no", None)


async def test_a_result_is_used_while_the_next_one_waits_for_it() -> None:
    used = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        yield 1
        async with asyncio.timeout(30):
            await used.wait()
        yield 2

    found = []
    async for number in prefetch(numbers()):
        found.append(number)
        used.set()
    assert found == [1, 2]


async def test_an_error_behind_a_result_is_raised_behind_it() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        raise InvalidMessage("json", "no", Envelope())

    found = prefetch(numbers())
    assert await anext(found) == 1
    with pytest.raises(InvalidMessage):
        await anext(found)


def test_a_report_counts_with_its_text_and_its_parts() -> None:
    many = OcpDecoder(None, MOST).decode(ocp(hits=100)).report
    assert budget.size_of(many) > 100 * budget.ITEM_BYTES
    assert budget.size_of(None) == 0


def ocp(hits: int = 1, details: str = "{}") -> bytes:
    """Return a good message."""
    items = ",".join(f'{{"component":"r{n}","key":"K","details":{details}}}' for n in range(hits))
    return envelope("Report", f'{{"fingerprints":[],"reports":[{items}],"system":{{}}}}')


def envelope(name: str, body: str) -> bytes:
    """Return a message with this body."""
    cluster = "34c3ecc5-624a-49a5-bab8-4fdc5e51a266"
    fields = {"OrgID": 1, "ClusterName": cluster, "LastChecked": "2025-03-01T10:00:00Z"}
    return json.dumps(fields)[:-1].encode() + f', "{name}": {body}}}'.encode()


PAD = 3 * 1024 * 1024
TOO_LARGE = {
    "unpacked": gzip.compress(ocp(details=json.dumps("x" * MOST))),
    "not packed": ocp(details=json.dumps("x" * MOST)),
    "wide text": ocp(details='"' + "x" * (PAD * 2) + '\U0001f600"'),
    "escaped text": ocp(details=json.dumps("<" * PAD)),
    "values": ocp(details="[" + "0," * (PAD // 2) + "0]"),
    "nested lists": ocp(details="[" * (PAD // 2) + "]" * (PAD // 2)),
    "keys": ocp(details="{" + ",".join(f'"{n}":0' for n in range(400_000)) + "}"),
    "hits": ocp(hits=MOST_PARTS + 1),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_message_that_would_take_too_much_memory_is_invalid(name: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        OcpDecoder(None, MOST).decode(TOO_LARGE[name])
    assert caught.value.kind == "too_large"


def test_separators_in_strings_are_no_values() -> None:
    details = json.dumps("a,[{" * 200_000)
    assert OcpDecoder(None, MOST).decode(ocp(details=details)).report is not None


def test_a_dvo_report_has_a_limit_of_namespaces() -> None:
    workloads = ",".join(f'{{"namespace_uid":"{n}"}}' for n in range(MOST_PARTS + 1))
    body = (
        f'{{"workload_recommendations":[{{"component":"a","key":"k","workloads":[{workloads}]}}]}}'
    )
    with pytest.raises(InvalidMessage, match="20001 parts"):
        DvoDecoder(None, MOST).decode(envelope("Metrics", body))


def test_only_some_of_many_warnings_are_logged() -> None:
    item = '{"component":"r","key":"K","details":{}}'
    body = f'{{"fingerprints":[],"reports":[{",".join([item] * 1000)}],"system":{{}}}}'
    warnings = OcpDecoder(None, MOST).decode(envelope("Report", body)).warnings
    assert len(warnings) == 21
    assert warnings[-1] == "980 more warnings"


def test_a_consumer_takes_as_much_as_there_is_room_for() -> None:
    class Result(_FetchResult):
        room = Room(25_000)
        seen: ClassVar[set[tuple[TopicPartition, int]]] = set()

    class Assignment:
        active = True
        paused = False
        position = 0

        def state_value(self, _: TopicPartition) -> Assignment:
            return self

        def consumed_to(self, position: int) -> None:
            self.position = position

    records = PartitionRecords(
        PLACE, RecordBatches(batch(*[Raw(b"x" * 10_000)] * 5)), [], 0, None, None, True,
        fetcher.READ_UNCOMMITTED,
    )  # fmt: skip
    result = Result(PLACE, assignment=Assignment(), partition_records=records, backoff=0)
    assert [one.offset for one in result.getall(100)] == [0, 1, 2]
    assert result.getall(100) == []
    assert result.has_more()
    Result.room.renew()
    assert [one.offset for one in result.getall(1)] == [3]
    assert [one.offset for one in result.getall(100)] == [4]
    assert not result.has_more()
