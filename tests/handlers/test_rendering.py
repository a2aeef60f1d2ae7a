"""Stored JSON on its way into answers."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.handlers import rendering, workload_report
from aggregator.handlers.answers import Answer, Answers
from aggregator.handlers.reports import add_report, report_document
from aggregator.model import ClusterId, Namespace, OrgId, ReportText


def indented(text: str, depth: int) -> bytes:
    return b"".join(rendering.indented(text, depth))


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


RECORDED = json.loads(Path(__file__).with_name("go_json.json").read_text())


def plainly(value: Any) -> bytes:
    """Return what the standard library writes, in the form of the API."""
    text = json.dumps(value, indent="\t", ensure_ascii=False)
    return rendering.escaped(text.encode())


@given(VALUES, st.sampled_from([None, 2]))
@example({"b": [12345678901234567890123, 1e16, -0.0, 1.50, "<&>\u2028"], "a": {}}, None)
@settings(max_examples=300)
def test_stored_json_is_indented_as_the_standard_library_does_it(value, blanks):
    stored = json.dumps({"x": value}, indent=blanks, ensure_ascii=False)
    assert indented(stored, 0) == plainly({"x": value})


@given(VALUES, st.sampled_from([None, 2]))
@settings(max_examples=100)
def test_what_the_fast_library_refuses_is_indented_alike(value, blanks):
    stored = json.dumps(["\ud800", value], indent=blanks, ensure_ascii=True)
    expected = indented(stored.replace("\\ud800", "mark", 1), 1)
    assert indented(stored, 1) == expected.replace(b"mark", b"\\ud800", 1)


@pytest.mark.parametrize("recorded", RECORDED["reports"], ids=lambda one: one["stored"][:20])
async def test_a_stored_report_is_shown_as_the_go_service_shows_it(recorded):
    name, reports, known = ClusterId("C"), Answer(Answers()), set()
    with suppress(ValueError):
        await add_report(ReportText(name, OrgId(1), recorded["stored"]), reports)
        known.add(name)
    shown = [part async for part in report_document([name], known, reports)]
    assert b"".join(shown).decode() == recorded["answer"]


@pytest.mark.parametrize("recorded", RECORDED["workloads"])
def test_details_of_workloads_are_written_as_the_go_service_writes_them(recorded):
    found = workload_report.recommendations(recorded["stored"], Namespace("ns"))
    shown = rendering.render({"recommendations": found}).decode()
    assert shown == '{"recommendations":' + recorded["recommendations"] + "}\n"


@pytest.mark.parametrize("text", ["", "{", "nonsense", "NaN", '{"a":1}x', '{"a":"\ud800"}'])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        indented(text, 0)


def test_numbers_and_halves_of_characters_stay_as_they_are_stored():
    stored = '{"b":1e999,"a":"\\ud800","n":' + "9" * 5000 + "}"
    shown = indented(stored, 0).decode()
    assert shown.replace("\n\t", "").replace("\n", "").replace(": ", ":") == stored


def test_deep_nesting_is_shown_up_to_the_depth_that_go_takes():
    assert indented("[" * 3000 + "]" * 3000, 0).count(b"[") == 3000
    with pytest.raises(ValueError, match="exceeded max depth"):
        indented("[" * 100_000 + "]" * 100_000, 0)
