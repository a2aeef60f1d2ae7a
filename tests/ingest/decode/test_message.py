"""What every message has in common: recorded outcomes, envelope, order of checks, bytes."""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.ingest.decode import times
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import (
    Decoded,
    Decoder,
    Envelope,
    InvalidMessage,
)
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.decode.schema import load
from aggregator.ingest.gojson import scanner, values
from testing.messages import ocp_messages
from tests.ingest import recorded
from tests.ingest.recorded import JSON, attempt, refusal

OCP = OcpDecoder(None, recorded.MAXIMUM)
DVO = DvoDecoder(None, recorded.MAXIMUM)
# what a JSON Schema cannot say: names in any case, spellings of numbers, calendars, merging
BEYOND_SCHEMA = {
    "json_case_insensitive",
    "ocp_org_float_integral",
    "ocp_time_sec60",
    "json_duplicate_report",
    "dvo_nul",
}


def outcome(row: dict[str, Any]) -> tuple[str, str, Envelope]:
    came = attempt(recorded.decoder(row), recorded.value(row))
    if isinstance(came, InvalidMessage):
        return "refuse", str(came), came.envelope
    return ("skip" if came.report is None else "accept"), "", came.envelope


def document(row: dict[str, Any]) -> object:
    """Return what a schema can be held against, None if there is no such thing."""
    try:
        found = json.loads(recorded.value(row) or b"")
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found


DOCUMENTS = [
    row
    for row in recorded.rows()
    if row["name"] not in BEYOND_SCHEMA and "allowlist" not in row and document(row) is not None
]


@pytest.mark.parametrize("row", recorded.rows(), ids=lambda row: row["name"])
def test_a_recorded_message_ends_as_it_did_with_the_reference(row):
    result, text, envelope = outcome(row)
    want = row["want"]
    assert result == want["result"], text
    if "error" in want:
        assert text == want["error"]
    if "tracker" in want and want["tracker"] is None:
        assert envelope.request_id == ""
    elif "tracker" in want:
        told: dict[str, Any] = {"received": envelope.received}
        if envelope.org is not None:
            told["org_id"] = str(envelope.org)
        if envelope.account is not None:
            told["account"] = str(envelope.account)
        assert told == want["tracker"]
        assert envelope.request_id


@pytest.mark.parametrize("row", DOCUMENTS, ids=lambda row: row["name"])
def test_the_shipped_schema_accepts_what_the_decoder_accepts(row):
    schema = load(f"{row['topic']}_message.json")
    valid = jsonschema_rs.validator_for(schema).is_valid(document(row))
    assert valid == (outcome(row)[0] != "refuse")


@pytest.mark.parametrize("name", ["ocp_message.json", "dvo_message.json"])
def test_the_shipped_schemas_are_schemas(name):
    jsonschema.Draft202012Validator.check_schema(load(name))


@pytest.mark.parametrize(
    ("envelope", "kind"),
    [
        ({"Version": "2", "OrgID": None}, "type"),
        ({"OrgID": None, "ClusterName": None}, "missing_attribute"),
        ({"ClusterName": "no", "LastChecked": "no"}, "cluster"),
        ({"LastChecked": "no", "OrgID": 7}, "allow_list"),
        ({"LastChecked": "no", "OrgID": 4294967295}, "last_checked"),
        ({"OrgID": 4294967295}, "organization"),
        ({"OrgID": 4294967296}, "type"),
        ({"Version": 256}, "type"),
        ({"LastChecked": ""}, "last_checked"),
        ({"LastChecked": None}, "last_checked"),
        ({"Metadata": []}, "type"),
        ({"Metadata": {"gathering_time": 5}}, "gathering_time"),
    ],
)
@pytest.mark.parametrize("topic", ["ocp", "dvo"])
def test_the_first_check_that_fails_names_the_kind(topic, envelope, kind):
    allowed = frozenset({1001, 4294967295})
    decoder: Decoder = (OcpDecoder if topic == "ocp" else DvoDecoder)(allowed, recorded.MAXIMUM)
    value = (recorded.ocp if topic == "ocp" else recorded.dvo)(**envelope)
    assert refusal(decoder, value).kind == kind


def test_an_attribute_of_a_wrong_type_counts_as_zero_for_the_tracker():
    known = refusal(OCP, recorded.ocp(OrgID="1001")).envelope
    assert known == Envelope(0, 42, "r1", "96bbd016-04ee-5798-b0ec-4100cc33876f", 2, False, None)


def test_a_late_refusal_still_tells_the_time_for_the_lag_metric():
    late = refusal(OCP, recorded.ocp(OrgID=4294967295)).envelope
    assert late.last_checked == times.moment("2025-03-01T10:00:00Z").utc
    assert refusal(OCP, recorded.ocp(LastChecked="no")).envelope.last_checked is None


def test_of_duplicates_the_last_one_counts_but_null_leaves_a_plain_text_alone():
    value = recorded.ocp().replace(b'"OrgID": 1001', b'"orgid":7,"OrgID":8,"REQUESTID":null')
    envelope = OCP.decode(value).envelope
    assert (envelope.org, envelope.request_id) == (8, "r1")


def test_letters_that_fold_to_ascii_match_as_in_go():
    value = recorded.ocp(RequestId="").replace(b'"RequestId"', '"Reque\u017ftId":"x","y"'.encode())
    assert OCP.decode(value).envelope.request_id == "x"


def test_broken_text_in_a_decoded_attribute_becomes_the_replacement_character():
    value = recorded.ocp(RequestId="@").replace(b"@", b"\xff\xed\xa0\x80\\ud800")
    assert OCP.decode(value).envelope.request_id == "\ufffd" * 5


@pytest.mark.parametrize("levels", [900, 3000, 10_000])
def test_ten_thousand_levels_are_accepted(levels):
    value = recorded.nested(levels)
    decoded = OCP.decode(value)
    assert decoded.report is not None
    assert len(decoded.report.hits[0].template_data) == len('{"t":1}') + 6 * (levels - 5)


def test_one_level_more_is_refused():
    assert str(refusal(OCP, recorded.nested(10_001))) == "exceeded max depth"


@pytest.mark.parametrize("topic", ["ocp", "dvo"])
def test_gzip_is_unpacked_for_every_kind_with_a_limit(topic):
    value = (recorded.ocp if topic == "ocp" else recorded.dvo)()
    packed = gzip.compress(value[:50]) + gzip.compress(value[50:])
    make = OcpDecoder if topic == "ocp" else DvoDecoder
    assert make(None, len(value)).decode(packed).envelope.org == 1001
    assert refusal(make(None, len(value) - 1), packed).kind == "too_large"
    assert refusal(make(None, 10_000), packed + b"junk").kind == "gzip"
    assert refusal(make(None, 10_000), packed[:-3]).kind == "gzip"
    assert refusal(make(None, 10_000), b"\x1f\x8b").kind == "gzip"


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "01",
        "1.",
        "-",
        "'a'",
        "\ufeff{}",
        "{} {}",
        '"\x01"',
        '"\\x"',
        "{,}",
        "[1,]",
        '{"a"}',
        '{"a":1,}',
        "[",
        '"a',
        '{"a":',
        "tru",
        "",
        "\u00a0{}",
        '"\\u12"',
        "}",
    ],
)
def test_the_slow_scanner_refuses_what_is_no_json(text):
    with pytest.raises(values.JsonError):
        scanner.check(text)
    assert refusal(OCP, text.encode()).kind == "json"


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_the_slow_scanner_accepts_all_json(value, indent, ascii_only):
    scanner.check(json.dumps(value, indent=indent, ensure_ascii=ascii_only))


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b"\x1f\x8b\x08")
def test_any_bytes_are_refused_or_decoded_and_nothing_else(value):
    for decoder in (OCP, DVO):
        came = attempt(decoder, value)
        assert isinstance(came, Decoded) or (came.kind and str(came))


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_message_is_refused_or_decoded_and_nothing_else(data):
    value = bytearray(recorded.ocp('[{"component":"a","key":"K","details":{"x":1.0}}]'))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    for decoder in (OCP, DVO):
        came = attempt(decoder, bytes(value))
        assert isinstance(came, Decoded) or (came.kind and str(came))


def written(value: Any, blank: str) -> str:
    """Return JSON with these blanks around every token; a list of pairs is an object."""
    if isinstance(value, tuple):
        inner = f",{blank}".join(
            f"{json.dumps(key)}{blank}:{blank}{written(one, blank)}" for key, one in value
        )
        return f"{{{blank}{inner}{blank}}}"
    if isinstance(value, list):
        return f"[{blank}{f',{blank}'.join(written(one, blank) for one in value)}{blank}]"
    return json.dumps(value)


KEYS = st.sampled_from(["a", "b", "é", "\ud800", 'q"', "", " "])
PARTS = st.recursive(
    st.none() | st.integers() | st.sampled_from(["x", "é y", "\ud800", "a\\", ' "']),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=4).map(tuple)
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(KEYS, PARTS), max_size=5).map(tuple), st.sampled_from(["", " ", "\n\t "]))
@example((("a", 1), ("a", 2)), "")
@example((("a", 1), ("b", 2)), " ")
@settings(max_examples=300)
def test_cutting_quickly_finds_what_walking_slowly_finds(parts, blank):
    text = written(parts, blank)
    cut = values.members(values.document(text.encode()))
    walked = list(scanner.members(text))
    assert [(member.key, member.text) for member in cut] == walked
    assert [values.as_text(member.compact) for member in cut] == [
        scanner.compact(value) for _, value in walked
    ]
    for member in cut:
        if member.first == "[":
            assert [one.text for one in values.items(member)] == list(scanner.items(member.text))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("OrgID", "orgid"),
        ("RequestId", "RequestID"),
        ("Metadata", "metadata"),
        ("component", "Component"),
        ("details", "Details"),
        ("key", "\\u006bey"),
    ],
)
def test_a_usual_message_and_one_with_a_name_spelled_otherwise_are_read_alike(name, other):
    usual = next(ocp_messages(1, clusters=1))
    unusual = usual.replace(f'"{name}":'.encode(), f'"{other}":'.encode())
    assert unusual != usual
    one, two = OCP.decode(usual), OCP.decode(unusual)
    assert one.report is not None
    assert two.report is not None
    assert one.report.hits
    assert dataclasses.replace(one.report, text="") == dataclasses.replace(two.report, text="")
    assert one.envelope == two.envelope


def test_an_attribute_given_twice_in_a_usual_message_counts_as_the_reference_counts_it():
    usual = next(ocp_messages(1, clusters=1))
    twice = usual.replace(b'"OrgID":', b'"OrgID": 7, "OrgID":')
    assert OCP.decode(twice).envelope == OCP.decode(usual).envelope
    assert refusal(OCP, usual.replace(b'"OrgID":', b'"OrgID": "x", "OrgID":')).kind == "type"
