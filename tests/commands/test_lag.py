"""`lag` tells what a group has not handled yet, and changes nothing."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition

from aggregator.commands import lag
from aggregator.ingest.kafka.producer import Outgoing
from testing.mocks.broker import Broker
from tests.commands.topics import (
    GROUP,
    RESULTS,
    Sent,
    commit,
    config,
    write,
)
from tests.program import complaints, in_process

run = in_process("lag")

MESSAGE = Outgoing(b"{}")


def told(broker: Broker, capsys: pytest.CaptureFixture[str], **options: Any) -> Any:
    assert run(config(broker.address, **options), ["--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_lag_is_from_the_commit_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with Broker() as broker:
        broker.create_topic(RESULTS, partitions=3)
        write(broker, RESULTS, [Sent(MESSAGE, 0)] * 5 + [Sent(MESSAGE, 1)] * 2)
        commit(broker, GROUP, {TopicPartition(RESULTS, 0): 3, TopicPartition(RESULTS, 2): 0})
        answer = told(broker, capsys)
    rows = [(each["partition"], each["committed"], each["end"], each["lag"]) for each in
            answer["partitions"]]  # fmt: skip
    assert rows == [(0, 3, 5, 2), (1, None, 2, 2), (2, 0, 0, 0)]
    assert answer["lag"] == 4
    assert {each["group"] for each in answer["partitions"]} == {GROUP}


def test_a_group_that_begins_with_the_latest_is_not_behind_before_its_first_commit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Broker() as broker:
        broker.create_topic(RESULTS, partitions=1)
        write(broker, RESULTS, [Sent(MESSAGE)] * 5)
        assert told(broker, capsys)["lag"] == 5
        assert told(broker, capsys, auto_offset_reset="latest")["lag"] == 0


def test_the_table_has_a_line_for_each_partition_of_each_topic_and_a_total(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Broker() as broker:
        for topic in (RESULTS, "workloads"):
            broker.create_topic(topic, partitions=2)
        write(broker, "workloads", [Sent(MESSAGE, 1)] * 12)
        both = ("ocp_recommendations", "dvo_recommendations")
        ours = config(broker.address, dvo_topic="workloads")
        wanted = replace(ours, storage_backend=replace(ours.storage_backend, use=both))
        assert run(wanted, []) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["group", "topic", "partition", "committed", "end", "lag", "member"]
    assert [row.split()[:6] for row in rows[:-1]] == [
        [GROUP, RESULTS, "0", "-", "0", "0"],
        [GROUP, RESULTS, "1", "-", "0", "0"],
        [f"{GROUP}-dvo", "workloads", "0", "-", "0", "0"],
        [f"{GROUP}-dvo", "workloads", "1", "-", "12", "12"],
    ]
    assert rows[-1].split() == ["total", "12"]


@pytest.mark.parametrize(
    ("broker", "complaint"),
    [
        ({"topic": ""}, "broker.topic is empty"),
        ({"topic": "nosuch"}, "topic 'nosuch' does not exist"),
        ({"addresses": ("127.0.0.1:1",)}, "127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_told_is_one_line(
    broker: dict[str, Any], complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with Broker() as running:
        addresses = broker.pop("addresses", (running.address,))
        assert run(config(addresses[0], **broker), []) == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert complaint in told.err
    assert len(complaints(told.err)) == 1


def test_it_is_shown_again_until_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = lag._behind, []

    async def interrupted_at_the_third(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return await whole(*arguments, **options)

    monkeypatch.setattr(lag, "_behind", interrupted_at_the_third)
    with Broker() as broker:
        broker.create_topic(RESULTS, partitions=1)
        assert run(config(broker.address), ["--json", "--watch", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["lag"] for line in lines] == [0] * len(calls[:2])
