"""RFC 3339 times as the Go service reads them."""

from __future__ import annotations

from datetime import datetime

import pytest

from aggregator.errors import InvalidInput
from aggregator.ingest.decode import times


@pytest.mark.parametrize(
    ("text", "utc", "shown"),
    [
        ("2025-03-01T10:00:00Z", datetime(2025, 3, 1, 10), "2025-03-01T10:00:00Z"),
        ("2025-03-01T10:00:00+00:00", datetime(2025, 3, 1, 10), "2025-03-01T10:00:00Z"),
        ("2025-03-01T10:00:00+02:00", datetime(2025, 3, 1, 8), "2025-03-01T10:00:00+02:00"),
        ("2025-12-31T23:00:00-01:30", datetime(2026, 1, 1, 0, 30), "2025-12-31T23:00:00-01:30"),
        ("2025-03-01T9:00:00,50Z", datetime(2025, 3, 1, 9, 0, 0, 500000), "2025-03-01T09:00:00.5Z"),
        (
            "2025-03-01T09:59:59.9999995Z",
            datetime(2025, 3, 1, 10),
            "2025-03-01T09:59:59.9999995Z",
        ),
        (
            "2025-03-01T10:00:00.123456789123Z",
            datetime(2025, 3, 1, 10, 0, 0, 123457),
            "2025-03-01T10:00:00.123456789Z",
        ),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_converted_to_utc_and_keeps_its_own_text(text, utc, shown):
    assert times.moment(text) == times.Moment(utc, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "2025-03-01",
        "2025-03-01 10:00:00Z",
        "2025-03-01t10:00:00z",
        "2025-03-01T10:00:00",
        "2025-02-30T10:00:00Z",
        "2025-03-01T10:00:60Z",
        "2025-03-01T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59.9999999Z",
        "2025-03-01T10:00:00+25:00",
        "2025-03-01T10:00:00+01:61",
        "2025-03-01T10:00:00.Z",
        "\u0662025-03-01T10:00:00Z",
        "2025-03-01T10:00:00Z\n",
        "10000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidInput):
        times.moment(text)
