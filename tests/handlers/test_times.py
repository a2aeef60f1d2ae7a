"""Times as clients read them."""

from __future__ import annotations

from datetime import datetime

from aggregator.handlers.times import fractions, pair, seconds

TIME = datetime(2026, 3, 15, 9, 0, 0, 250_000)


def test_seconds_are_whole() -> None:
    assert seconds(TIME) == "2026-03-15T09:00:00Z"
    assert seconds(None) == "0001-01-01T00:00:00Z"


def test_fractions_have_no_zeros_at_the_end() -> None:
    assert fractions(TIME) == "2026-03-15T09:00:00.25Z"
    assert fractions(TIME.replace(microsecond=0)) == "2026-03-15T09:00:00Z"
    assert fractions(TIME.replace(microsecond=100)) == "2026-03-15T09:00:00.0001Z"
    assert fractions(None) == ""


def test_a_pair_says_whether_there_is_a_time() -> None:
    assert pair(TIME) == {"Time": "2026-03-15T09:00:00.25Z", "Valid": True}
    assert pair(None) == {"Time": "0001-01-01T00:00:00Z", "Valid": False}
