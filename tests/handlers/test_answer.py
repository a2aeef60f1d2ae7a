"""Stored JSON on its way into answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.handlers import answer

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


def plainly(value: Any) -> bytes:
    """Return what the standard library writes, in the form of the API."""
    text = json.dumps(value, indent="\t", ensure_ascii=False, sort_keys=True)
    return answer.escaped(text.encode())


@given(VALUES, st.sampled_from([None, 2]))
@example({"b": [12345678901234567890123, 1e16, -0.0, 1.50, "<&>\u2028"], "a": {}}, None)
@settings(max_examples=300)
def test_stored_json_is_indented_as_the_standard_library_does_it(value, blanks):
    stored = json.dumps({"x": value}, indent=blanks, ensure_ascii=False)
    shown = answer.indented({"report": answer.rewritten(stored)})
    assert shown == plainly({"report": {"x": value}})


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[1e999]", "NaN", '{"a":1}x'])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        answer.rewritten(text)


def test_half_of_a_character_becomes_a_question_mark():
    assert bytes(answer.rewritten('{"b":1,"a":"\\ud800"}')) == b'{"a":"?","b":1}'


def test_what_is_nested_too_deep_is_refused():
    with pytest.raises(RecursionError):
        answer.rewritten("[" * 100_000 + "]" * 100_000)
