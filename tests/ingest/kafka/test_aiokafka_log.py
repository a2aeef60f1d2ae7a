"""Repeated lines of aiokafka are dropped and remembered; all others pass."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from aggregator.ingest.kafka.aiokafka_log import _LOGGERS, OutageLines


@pytest.fixture
def lines() -> Iterator[OutageLines]:
    made = OutageLines()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(made)
    yield made
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(made)


@pytest.mark.parametrize("name", _LOGGERS)
def test_lines_of_an_outage_are_dropped_and_the_connection_is_remembered(
    name: str, lines: OutageLines, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger(name)
    before = time.time() - 1
    for _ in range(20):
        log.error("Unable connect to node with id %s: %s", 1, "refused")
        log.error("Unable to update metadata from %s", [1])
    assert [each for each in caplog.records if each.levelno > logging.DEBUG] == []
    assert lines.since(before) == "Unable connect to node with id 1: refused"
    assert lines.since(time.time() + 1) == ""


def test_other_lines_pass(lines: OutageLines, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("aiokafka.consumer.fetcher")
    log.warning("Fetch offset %s is out of range", 7)
    try:
        raise ValueError("a bug")
    except ValueError:
        log.exception("Unexpected error while fetching data: %s", "bug")
    for _ in range(3):
        logging.getLogger("aiokafka.conn").warning("Sending username and password in the clear")
    assert [each.getMessage() for each in caplog.records] == [
        "Fetch offset 7 is out of range",
        "Unexpected error while fetching data: bug",
        "Sending username and password in the clear",
    ]
    assert lines.since(0) == ""


def test_a_rebalance_is_no_outage(lines: OutageLines, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("aiokafka.consumer.group_coordinator")
    log.warning("Heartbeat failed for group %s because it is rebalancing", "g")
    assert lines.since(0) == ""
    assert [each for each in caplog.records if each.levelno > logging.DEBUG] == []
