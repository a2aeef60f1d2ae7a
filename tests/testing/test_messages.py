"""Generated messages are the same for the same number, and look like real ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest

from testing.messages import dvo_messages, ocp_messages

KINDS = [ocp_messages, dvo_messages]


def _decoded(messages: Any, count: int) -> list[dict[str, Any]]:
    return [json.loads(message) for message in islice(messages, count)]


@pytest.mark.parametrize("messages", KINDS)
def test_the_same_number_gives_the_same_bytes(messages: Any) -> None:
    assert list(islice(messages(7), 120)) == list(islice(messages(7), 120))


@pytest.mark.parametrize("messages", KINDS)
def test_another_number_gives_other_messages(messages: Any) -> None:
    assert list(islice(messages(7), 5)) != list(islice(messages(8), 5))


@pytest.mark.parametrize("messages", KINDS)
def test_every_message_is_later_than_the_one_before(messages: Any) -> None:
    start = datetime(2030, 5, 1, tzinfo=UTC)
    made = _decoded(messages(1, start=start, step=timedelta(minutes=1)), 3)
    assert [message["LastChecked"] for message in made] == [
        "2030-05-01T00:00:00.000000Z",
        "2030-05-01T00:01:00.000000Z",
        "2030-05-01T00:02:00.000000Z",
    ]


@pytest.mark.parametrize("messages", KINDS)
def test_every_cluster_reports_before_one_reports_again(messages: Any) -> None:
    names = [message["ClusterName"] for message in _decoded(messages(3, clusters=10), 20)]
    assert len(set(names[:10])) == 10
    assert set(names[:10]) == set(names[10:])
    assert all(str(UUID(name)) == name for name in names)


def test_both_kinds_speak_of_the_same_fleet() -> None:
    owners = [
        {(message["ClusterName"], message["OrgID"]) for message in _decoded(messages(5), 50)}
        for messages in KINDS
    ]
    assert owners[0] == owners[1]
    assert {organization for _, organization in owners[0]} == {1001, 1002, 1003, 1004, 1005}


def test_a_report_names_a_rule_at_most_once() -> None:
    for message in _decoded(ocp_messages(2, clusters=10), 200):
        hits = [(hit["component"], hit["key"]) for hit in message["Report"]["reports"]]
        assert len(hits) == len(set(hits))


def test_problems_come_and_go() -> None:
    counts = {len(m["Report"]["reports"]) for m in _decoded(ocp_messages(2, clusters=10), 200)}
    assert len(counts) > 3
