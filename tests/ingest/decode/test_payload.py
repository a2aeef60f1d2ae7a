"""The size of a parsed message is estimated in windows of the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.errors import TooLarge
from aggregator.ingest.decode import payload
from aggregator.ingest.gojson import scanner

STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+["\\]?', re.DOTALL)
PIECES = st.sampled_from([b'"', b"\\", b",", b"[", b"{", b"ab", b'"a,b"', b'\\"', b"1 "])


@given(st.lists(PIECES, max_size=30).map(b"".join), st.integers(2, 12))
@example(b'"a,b', 2)
@example(b'"' + b"," * 20 + b'",1', 4)
@settings(max_examples=400, deadline=None)
def test_separators_are_counted_in_windows_as_in_the_whole_text(raw: bytes, window: int) -> None:
    expected = payload._separators(STRING.sub(b"", raw))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payload, "WINDOW", window)
        assert payload._separators_outside(raw) == expected


@pytest.mark.parametrize("place", [0, 99, 100, 199, 249])
def test_what_is_searched_for_is_found_in_each_window(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "WINDOW", 100)
    monkeypatch.setattr(scanner, "WINDOW", 100)
    raw = bytearray(b"\xc3" * 250)
    assert not payload._has_four_bytes(bytes(raw))
    raw[place] = 0xF0
    assert payload._has_four_bytes(bytes(raw))
    text = "\u00e9" * place + "\ud800" + "\u00e9" * (249 - place)
    assert not scanner.is_unicode(text)
    assert scanner.is_unicode("\u00e9" * 250)


def test_separators_in_strings_take_no_memory() -> None:
    text = b'["' + b"," * 500_000 + b'"]'
    payload.check_size(text, len(text))
    with pytest.raises(TooLarge, match="would take more than"):
        payload.check_size(b"[" + b"1," * 500_000 + b"1]", 1_000_000)
