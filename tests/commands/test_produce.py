"""`produce` sends files, folders and lines, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import io
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer

from aggregator.config.options import Config
from testing.mocks.broker import Broker
from tests.program import complaints, in_process

run = in_process("produce")

TOPIC = "results"


def config(broker: Broker) -> Config:
    """Return a configuration whose broker is this one."""
    default = Config()
    ours = replace(default.broker, addresses=(broker.address,), topic=TOPIC)
    return replace(default, broker=ours)


def received(broker: Broker, topic: str, count: int) -> list[tuple[int, bytes]]:
    """Return partition and value of the first messages of a topic, in the order of partitions."""

    async def read() -> list[tuple[int, bytes]]:
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=broker.address, auto_offset_reset="earliest"
        ) as consumer:
            records = [await asyncio.wait_for(consumer.getone(), 10) for _ in range(count)]
        return [(each.partition, each.value) for each in records]

    return sorted(asyncio.run(read()), key=lambda item: item[0])


def values(broker: Broker, topic: str, count: int) -> set[bytes]:
    return {value for _, value in received(broker, topic, count)}


def test_a_folder_is_all_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_bytes(b'{\n"a": 1}\n')
    (tmp_path / "b.jsonl").write_bytes(b'{"b": 2}\n\n{"c": 3}')
    (tmp_path / "README.md").write_bytes(b"not a message")
    with Broker() as broker:
        assert run(config(broker), [str(tmp_path)]) == 0
        assert values(broker, TOPIC, 3) == {b'{\n"a": 1}\n', b'{"b": 2}', b'{"c": 3}'}
    assert capsys.readouterr().out == "3 messages produced into results\n"


def test_packed_files_are_unpacked_and_other_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'{"a":\n1}'))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"b": 2}\n{"c": 3}\n'))
    (tmp_path / "d.json.bak").write_bytes(b"an old one")
    with Broker() as broker:
        assert run(config(broker), [str(tmp_path)]) == 0
        assert values(broker, TOPIC, 3) == {b'{"a":\n1}', b'{"b": 2}', b'{"c": 3}'}


CUT_SHORT = gzip.compress(b"{}", mtime=0)[:-5]


@pytest.mark.parametrize("damaged", [b"no gzip", CUT_SHORT, b"\x1f\x8b\x08\0\0"])
def test_a_damaged_file_is_named(
    damaged: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json.gz").write_bytes(damaged)
    with Broker() as broker:
        assert run(config(broker), [str(tmp_path / "a.json.gz")]) == 1
    told = capsys.readouterr().err
    assert "a.json.gz" in told
    assert len(complaints(told)) == 1


def test_a_line_of_standard_input_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"one\r\ntwo\n")))
    with Broker() as broker:
        assert run(config(broker), ["--topic", "other", "-"]) == 0
        assert values(broker, "other", 2) == {b"one", b"two"}


def test_messages_of_a_cluster_stay_in_order(tmp_path: Path) -> None:
    lines = [
        b'{"ClusterName": "%d", "n": %d}' % (cluster, number)
        for number in range(20)
        for cluster in range(10)
    ]
    (tmp_path / "all.jsonl").write_bytes(b"\n".join(lines))
    with Broker() as broker:
        assert run(config(broker), [str(tmp_path / "all.jsonl")]) == 0
        got = received(broker, TOPIC, len(lines))
    assert len({partition for partition, _ in got}) > 1
    for cluster in range(10):
        of_cluster = [value for _, value in got if b'"ClusterName": "%d"' % cluster in value]
        assert of_cluster == [line for line in lines if line in of_cluster]


@pytest.mark.parametrize(
    ("topic", "source", "complaint"),
    [
        ("", "-", "broker.topic is empty"),
        (TOPIC, "no/such/file", "no/such/file"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    topic: str, source: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Broker() as broker:
        ours = config(broker)
        wanted = replace(ours, broker=replace(ours.broker, topic=topic))
        assert run(wanted, [source]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert len(complaints(told)) == 1


def test_a_broker_that_is_away_is_told_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    default = Config()
    nowhere = replace(default.broker, addresses=("127.0.0.1:1",))
    assert run(replace(default, broker=nowhere), [str(Path(__file__))]) == 1
    told = capfd.readouterr().err
    assert "127.0.0.1:1 cannot be reached" in told
    assert len(complaints(told)) == 1
