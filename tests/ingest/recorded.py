"""Messages (recorded.jsonl) with what the Go service service was seen to make of them.

`departure` names the paragraph of our own wishes where we differ; `want` then tells ours.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Decoded, Decoder, InvalidMessage
from aggregator.ingest.decode.ocp import OcpDecoder

MAXIMUM = 20_000_000
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIXTURES = Path(__file__).parents[2] / "fixtures" / "messages"


@cache
def rows() -> list[dict[str, Any]]:
    """Return all recorded messages."""
    path = Path(__file__).with_name("recorded.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def named(name: str) -> dict[str, Any]:
    """Return one recorded message."""
    return next(row for row in rows() if row["name"] == name)


def value(row: dict[str, Any]) -> bytes | None:
    """Return the bytes of a recorded message."""
    if "value_b64" in row:
        return base64.b64decode(row["value_b64"])
    if "generate" in row:
        return _generated(row)
    text = row["value"]
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _generated(row: dict[str, Any]) -> bytes:
    if row["generate"] == "deep":
        return nested(row["levels"])
    document = json.loads(json.dumps(row["template"]))
    if row["generate"] == "pad_details":
        document["Report"]["reports"][0]["details"]["pad"] = "x" * row["bytes"]
    else:
        document["Report"]["reports"] = [
            {"component": f"lab_rules.many{i}.report", "key": f"KEY_{i}", "details": {}}
            for i in range(row["count"])
        ]
    return json.dumps(document).encode()


def nested(levels: int) -> bytes:
    """Return an OCP message whose deepest value is this many levels down."""
    # the envelope, Report, reports, the hit and details are five of them
    inner = '{"a":' * (levels - 5) + "1" + "}" * (levels - 5)
    return ocp(f'[{{"component":"x","key":"K","details":{{"t":{inner}}}}}]')


def decoder(row: dict[str, Any]) -> Decoder:
    """Return the decoder that a recorded message was meant for."""
    allowlist = frozenset(row["allowlist"]) if "allowlist" in row else None
    if row["topic"] == "dvo":
        return DvoDecoder(allowlist, MAXIMUM)
    return OcpDecoder(allowlist, MAXIMUM, into_cache="cache" in row)


def ocp(reports: str = "[]", **envelope: object) -> bytes:
    """Return an OCP message with these reports (JSON text) and attributes of the envelope."""
    return _message("Report", f'{{"system":{{}},"fingerprints":[],"reports":{reports}}}', envelope)


def dvo(recommendations: str = "[]", **envelope: object) -> bytes:
    """Return a DVO message with these recommendations (JSON text)."""
    return _message("Metrics", f'{{"workload_recommendations":{recommendations}}}', envelope)


def _message(body: str, text: str, envelope: dict[str, object]) -> bytes:
    attributes = {
        "OrgID": 1001,
        "AccountNumber": 42,
        "ClusterName": "96bbd016-04ee-5798-b0ec-4100cc33876f",
        "LastChecked": "2025-03-01T10:00:00Z",
        "Version": 2,
        "RequestId": "r1",
    } | envelope
    return f'{json.dumps(attributes)[:-1]},"{body}":{text}}}'.encode("utf-8", "surrogatepass")


def attempt(decoder: Decoder, value: bytes | None) -> Decoded[Any] | InvalidMessage:
    """Return what comes of the message, be it a refusal."""
    try:
        return decoder.decode(value)
    except InvalidMessage as error:
        return error


def refusal(decoder: Decoder, value: bytes | None) -> InvalidMessage:
    """Return the refusal of a message that must be refused."""
    with pytest.raises(InvalidMessage) as caught:
        decoder.decode(value)
    return caught.value
