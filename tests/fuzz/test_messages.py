"""Bytes of anybody in place of a message, a dead letter, a record batch: no error but ours.

FUZZ_EXAMPLES says how many are tried for each. What once failed is in `corpus/`.
"""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.ingest.dead_letter import DeadLetter, dead_letter
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoder, InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.kafka.record_batches import RecordBatches
from aggregator.ingest.kafka.records import PartitionRecords
from tests.ingest.doubles import record, refused
from tests.ingest.kafka import raw_batches
from tests.ingest.kafka.raw_batches import Raw

MOST = 100_000
# stands for a number of more digits than Python converts
LONG = "<long>"
WORDS = """
OrgID AccountNumber ClusterName LastChecked Version RequestId Metadata Report Metrics gathering_time
fingerprints reports system info analysis_metadata hostname component key details info_id version
workload_recommendations response_id tags links jira workloads namespace namespace_uid kind name uid
"""
CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
DECODERS: list[Decoder] = [
    OcpDecoder(None, MOST),
    DvoDecoder(None, MOST),
    OcpDecoder(None, MOST, "strict"),
]
fuzz = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

NAMES = st.sampled_from(WORDS.split()) | st.text(max_size=3)
TEXTS = st.sampled_from(
    ["34c3ecc5-624a-49a5-bab8-4fdc5e51a266", "2025-03-01T10:00:00Z", "", "\0", "\ud800", "a|b"]
) | st.text(max_size=5)
NUMBERS = st.integers() | st.floats() | st.sampled_from([LONG, -0.0, 2**32, 2**63])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
GOOD: dict[str, Any] = {
    "OrgID": 1,
    "ClusterName": "34c3ecc5-624a-49a5-bab8-4fdc5e51a266",
    "LastChecked": "2025-03-01T10:00:00Z",
    "Report": {"fingerprints": [], "reports": [], "system": {}},
    "Metrics": {"workload_recommendations": []},
}


def written(value: Any) -> bytes:
    """Return a value as JSON text."""
    text = json.dumps(value)
    return text.replace(json.dumps(LONG), "9" * 5000).encode(errors="surrogatepass")


def decode(value: bytes) -> None:
    """Decode the value as each kind of message."""
    for decoder in DECODERS:
        error = refusal(decoder, value)
        assert error is None or (error.kind and len(str(error)) < 3000)


def refusal(decoder: Decoder, value: bytes) -> InvalidMessage | None:
    """Return why the message is refused, if it is."""
    try:
        decoder.decode(value)
    except InvalidMessage as error:
        return error
    return None


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_failed_is_refused_or_read(path: Path) -> None:
    decode(path.read_bytes())


@fuzz
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(value: bytes) -> None:
    decode(value)
    decode(gzip.compress(value))
    decode(gzip.compress(value) + value)
    decode(b"\x1f\x8b" + value)


@fuzz
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_json_is_refused_or_read(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    body = {"Report": GOOD["Report"] | inner, "Metrics": GOOD["Metrics"] | inner}
    decode(written(GOOD | body | outer))


@fuzz
@given(st.data(), st.binary(max_size=3))
def test_a_message_with_other_bytes_in_it_is_refused_or_read(data: Any, other: bytes) -> None:
    whole = written(GOOD)
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(at + 3, len(whole))))
    decode(whole[:at] + other + whole[end:])


HEADERS = st.lists(
    st.tuples(
        st.binary(max_size=4)
        | st.sampled_from([b"x-original-topic", b"x-original-partition", b"x-error-kind"]),
        st.none() | st.binary(max_size=30) | st.just(b"9" * 5000),
    ),
    max_size=4,
)


@fuzz
@given(HEADERS, st.integers(-(2**63), 2**63 - 1), st.none() | st.binary(max_size=9))
def test_a_letter_with_any_headers_is_read_and_sent(
    headers: list[tuple[bytes, bytes | None]], timestamp: int, key: bytes | None
) -> None:
    keys = tuple((name.decode(errors="surrogateescape"), value) for name, value in headers)
    fields: dict[str, Any] = {"headers": keys, "timestamp": timestamp, "key": key}
    assert str(DeadLetter.read(record(**fields)).origin)
    dead = dead_letter(refused(**fields))
    read = DeadLetter.read(record(**fields | {"headers": dead.headers}))
    assert read.message().headers[:-1] == keys


@fuzz
@given(st.data(), st.integers(0, 4), HEADERS)
def test_any_record_batch_is_read_to_its_end(
    data: Any, codec: int, headers: list[tuple[bytes, bytes | None]]
) -> None:
    whole = bytearray(raw_batches.batch(*[Raw(b"v" * 20, b"k", headers)] * 3, codec=codec))
    for _ in range(data.draw(st.integers(0, 3))):
        # the length, which the broker keeps, stays
        whole[data.draw(st.integers(12, len(whole) - 1))] = data.draw(st.integers(0, 255))
    checked = data.draw(st.booleans())
    records = PartitionRecords(
        TopicPartition("t", 0), RecordBatches(bytes(whole)), [], 0, None, None, checked,
        fetcher.READ_COMMITTED,
    )  # fmt: skip
    records.seen = {(TopicPartition("t", 0), 0)}
    found = list(records)
    assert len(found) <= 4
    assert records.next_fetch_offset > 0
