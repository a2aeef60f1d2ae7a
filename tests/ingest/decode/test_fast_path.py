"""Tests that usual messages are read in few steps, and as they are when read slowly."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.ingest.decode import envelope
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoded, Decoder
from aggregator.ingest.decode.ocp import OcpDecoder
from testing.messages import dvo_messages, ocp_messages
from tests.ingest import recorded

# a name that is spelled otherwise makes a message unusual, and null says nothing there
UNUSUAL = b'{"metadata":null,'
SEPARATORS = [(",", ":"), (", ", ": ")]
VALUES = st.sampled_from(
    [
        "null", "true", "0", "-0", "1.0", "1e3", "7", "-7", "4294967296", '""', '"a"', '"\\u0061"',
        '"\\ud800"', '"\\udc00x"', '"\\u0000"', '"<&>\\u2028"', '"\u2028é😀"', "[]", "{}",
        '[{"a": [1, 2]}]', '{"version": "1", "b": null}', '"2025-03-01T10:00:00.5Z"',
        '"2025-03-01T10:00:00+02:00"', '"2025-02-30T10:00:00Z"', '"x.report"',
        "1" * 30, '[{"component": "r", "key": "K", "details": {"d": 1 }}, {"Key": "x"}]',
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    ["Key", "KEY", "key", "details", "component", "orgid", "OrgID", "Report", "report", "Metadata",
     "gathering_time", "info", "info_id", "other", "reports", "system", "\u212aey"]
)  # fmt: skip


class Raw:
    """A value as it is written in the message."""

    def __init__(self, text: str) -> None:
        self.text = text


def opened(value: Any) -> Any:
    """Return JSON with objects as lists of (name, value), so that a name can be there twice."""
    if isinstance(value, dict):
        return {"members": [[name, opened(part)] for name, part in value.items()]}
    if isinstance(value, list):
        return [opened(part) for part in value]
    return Raw(json.dumps(value))


def written(value: Any, separators: tuple[str, str]) -> str:
    comma, colon = separators
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, list):
        return "[" + comma.join(written(part, separators) for part in value) + "]"
    members = (
        json.dumps(name, ensure_ascii=False) + colon + written(part, separators)
        for name, part in value["members"]
    )
    return "{" + comma.join(members) + "}"


def objects(value: Any) -> list[list[list[Any]]]:
    """Return the members of every object in the value."""
    if isinstance(value, Raw):
        return []
    if isinstance(value, list):
        return [found for part in value for found in objects(part)]
    members = value["members"]
    return [members, *(found for _, part in members for found in objects(part))]


@st.composite
def messages(draw: st.DrawFn, usual: bytes) -> bytes:
    """Return the usual message with up to three changes, with or without blanks."""
    document = opened(json.loads(usual))
    for _ in range(draw(st.integers(0, 3))):
        members = draw(st.sampled_from([one for one in objects(document) if one]))
        at = draw(st.integers(0, len(members) - 1))
        change = draw(st.sampled_from(["value", "name", "twice", "again", "none"]))
        if change == "value":
            members[at][1] = Raw(draw(VALUES))
        elif change == "name":
            members[at][0] = draw(NAMES)
        elif change == "twice":
            members.insert(at, [members[at][0], Raw(draw(VALUES))])
        elif change == "again":
            members.append(copy.deepcopy(members[at]))
        else:
            del members[at]
    text = written(document, draw(st.sampled_from(SEPARATORS)))
    return text.encode("utf-8", "surrogatepass")


def slowly(value: bytes) -> bytes:
    return UNUSUAL + value[1:] if value != b"{}" else b'{"metadata":null}'


def said(decoder: Decoder, value: bytes) -> tuple[object, ...]:
    """Return all that comes of a message, be it a refusal."""
    found = recorded.attempt(decoder, value)
    if isinstance(found, Decoded):
        return found.envelope, found.report, found.warnings
    return found.envelope, found.kind, str(found)


OCP = OcpDecoder(None, recorded.MAXIMUM)
DVO = DvoDecoder(None, recorded.MAXIMUM)
OCP_MESSAGE = next(
    message
    for message in ocp_messages(3, clusters=1)
    if len(json.loads(message)["Report"]["reports"]) == 2
)
DVO_MESSAGE = next(dvo_messages(3, clusters=1))


@given(messages(OCP_MESSAGE))
@example(OCP_MESSAGE)
@settings(max_examples=1000)
def test_ocp_messages_are_read_alike_quickly_and_slowly(value):
    assert said(OCP, value) == said(OCP, slowly(value))


@given(messages(DVO_MESSAGE))
@example(DVO_MESSAGE)
@settings(max_examples=300)
def test_dvo_messages_are_read_alike_quickly_and_slowly(value):
    assert said(DVO, value) == said(DVO, slowly(value))


def is_object(row: dict[str, Any]) -> bool:
    value = recorded.value(row) or b""
    return value.startswith(b"{") and said(recorded.decoder(row), value)[1] != "json"


@pytest.mark.parametrize("row", filter(is_object, recorded.rows()), ids=lambda row: row["name"])
def test_recorded_messages_are_read_alike_quickly_and_slowly(row):
    value, decoder = recorded.value(row), recorded.decoder(row)
    assert value is not None
    assert said(decoder, value) == said(decoder, slowly(value))


@pytest.mark.parametrize("separators", SEPARATORS)
def test_what_the_generator_and_the_pipeline_make_is_usual(separators):
    document = json.loads(OCP_MESSAGE)
    for left_out in ([], ["AccountNumber", "RequestId", "Metadata"], ["Version"]):
        part = {name: value for name, value in document.items() if name not in left_out}
        value = json.dumps(part, separators=separators).encode()
        assert envelope.read(value, "Report", recorded.MAXIMUM).whole is not None
