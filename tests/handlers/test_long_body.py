"""Long JSON bodies are read in steps, with the result of the parser for short ones."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.errors import AggregatorError, InvalidInput, TooLarge
from aggregator.handlers import body, json_syntax
from aggregator.handlers.body import LONGEST_TOKEN, MOST_CONTAINERS, MOST_VALUES, NO_BODY

MIB = 1024 * 1024
TEXTS = st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(
    ["clusters", "Clusters", "cluster\u017f", "rating", '"\\', "\u2028"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=15,
)


def in_steps(raw: bytes, **options: bool) -> Any:
    reading = body.parse_in_steps(raw, **options)
    while True:
        try:
            next(reading)
        except StopIteration as ended:
            return ended.value


def outcome(read: Any, raw: bytes) -> Any:
    """Return what a handler can see: texts, names and numbers, or the error."""
    try:
        found = read(raw)
        seen: Any = found if isinstance(found, dict) else {"document": found}
    except AggregatorError as error:
        return type(error), str(error)
    return {name: plain(seen.get(name)) for name in ("document", *sorted(body.WANTED))}


def plain(value: Any) -> Any:
    """Return the value, and the type in place of what is nested in a list or object."""
    if isinstance(value, list):
        return [type(one) if isinstance(one, list | dict) else repr(one) for one in value]
    return type(value) if isinstance(value, dict) or value is body._CONFLICT else repr(value)


@given(VALUES, st.sampled_from([None, 1]), st.booleans(), st.integers(0, 3))
@example({"clusters": ["a", None, 1, {"b": []}, "c"], "CLUSTERS": None}, None, True, 0)
@example({"rating": 2**70, "Rating": 1, "rule": {"x": [1, {"clusters": 1}]}}, None, False, 0)
@example([["a", "b"], "c", {"d": "e"}, 1.5, True], 1, True, 0)
@settings(max_examples=400, deadline=None)
def test_result_is_that_of_the_short_parser(value, indent, ascii_only, cut):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    raw = text.encode()
    if isinstance(value, list | dict):
        raw = raw[: len(raw) - cut]
    assert outcome(in_steps, raw) == outcome(body.parse, raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" \n",
        b"[",
        b'["a" "b"]',
        b'["a",]',
        b'["a",01]',
        b'["a","\\x",1]',
        b'["\xff","b\xc3"]',
        b'["\\ud800", "a"]',
        b'{"clusters": ["a", "b"] "x": 1}',
        b'{"a": 1, "b" 2}',
        b'{"clusters": ["a"], "clusters": "b"}',
        b'{"rule": "a", "Rule": null, "rating": 1} trailing',
        b'{"a":1,"rule":"x","b":[1,2,{"rule":"y"}],"rating":-0,"z":1}',
        b"nul",
        b"NaN",
        b'"text"',
        b"12 ",
        b"[1e999, -0, 1.0]",
    ],
)
def test_results_and_errors_are_those_of_the_short_parser(raw: bytes) -> None:
    assert outcome(in_steps, raw) == outcome(body.parse, raw)


def test_optional_body_may_be_blank() -> None:
    assert in_steps(b" " * MIB, required=False) is None
    with pytest.raises(InvalidInput, match=NO_BODY):
        in_steps(b" " * MIB)


def names(number: int, prefix: str = "") -> bytes:
    listed = [f"{prefix}{n:08x}-0000-4000-8000-{n:012x}" for n in range(number)]
    return json.dumps(listed, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "raw",
    [
        names(200_000),
        names(100_000, "\u00e9"),
        b"{" + b",".join(b'"\xc3\xa9%d":1' % n for n in range(200_000)) + b"}",
        b"[" + b",".join([b"1.5e300"] * 200_000) + b"]",
        b"[" + b",".join([b"[1]"] * (MOST_CONTAINERS - 1)) + b"]",
        b'["' + b"\\u00e9" * (LONGEST_TOKEN // 8) + b'"]',
        b" " * (4 * MIB) + b"1",
        b"[" * 9000 + b"]" * 9000,
    ],
    ids=["names", "wide", "members", "numbers", "lists", "escapes", "blanks", "deep"],
)
def test_a_step_reads_a_bounded_part_of_the_body(
    raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader counts characters between two yields, and tokens beside them."""
    positions = [0]
    scan = json_syntax._Scan
    token = scan.token

    def counted(self: Any) -> None:
        token(self)
        positions[-1] = self.at

    monkeypatch.setattr(scan, "token", counted)
    reading = body.parse_in_steps(raw)
    for _ in reading:
        positions.append(positions[-1])
    steps = [after - before for before, after in itertools.pairwise(positions)]
    assert sum(steps) == len(raw)
    assert max(steps) <= max(LONGEST_TOKEN, json_syntax.BLANKS_IN_A_STEP)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + b"1," * (MOST_VALUES + 1) + b"1]",
        b"[" + b"{}," * (MOST_CONTAINERS + 1) + b"1]",
        b'["' + b"a" * (LONGEST_TOKEN + 1) + b'"]',
        b"[1" + b"0" * LONGEST_TOKEN + b"]",
    ],
    ids=["values", "objects", "text", "number"],
)
def test_what_takes_long_is_too_large(raw: bytes) -> None:
    with pytest.raises(TooLarge, match="JSON in request body has"):
        in_steps(raw)
