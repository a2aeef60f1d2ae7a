"""The description of the topics: valid, true of what the service reads and writes, and told."""

from __future__ import annotations

import ast
import json
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import aggregator
from aggregator.config.options import BrokerConfig
from aggregator.ingest.batch import REJECTED
from aggregator.ingest.dead_letter import KINDS, dead_letter, without_value
from aggregator.ingest.decode.dvo import DvoDecoder
from aggregator.ingest.decode.message import Envelope
from aggregator.ingest.decode.ocp import OcpDecoder
from aggregator.ingest.kafka.producer import Sender
from aggregator.ingest.kafka.records import CORRUPT
from aggregator.ingest.tracker import Tracker
from aggregator.metrics import Metrics
from testing.mocks.producer import MemoryProducer
from tests.ingest import recorded
from tests.ingest.doubles import kept, refused

ROOT = Path(__file__).parent.parent
SCHEMAS = files("aggregator") / "schemas"
NAMES = ("asyncapi.json", "ocp_message.json", "dvo_message.json")
FILES = {name: json.loads((SCHEMAS / name).read_text(encoding="utf-8")) for name in NAMES}
API = FILES["asyncapi.json"]
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, DRAFT202012.create_resource(contents)) for name, contents in FILES.items()
)
DECODERS: dict[str, Any] = {
    "ocp": OcpDecoder(None, recorded.MAXIMUM, "strict"),
    "dvo": DvoDecoder(None, recorded.MAXIMUM, "strict"),
}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def holds(part: str, value: Any) -> bool:
    """Say whether a value keeps the schema at this place of the document."""
    schema = {"$ref": f"asyncapi.json#/components/{part}"}
    return jsonschema.Draft202012Validator(schema, registry=REGISTRY).is_valid(value)


def payload(message: str, value: Any) -> bool:
    """Say whether a value is one that messages of this kind may have."""
    inside = (
        "/schema" if "schemaFormat" in API["components"]["messages"][message]["payload"] else ""
    )
    return holds(f"messages/{message}/payload{inside}", value)


def test_the_document_is_asyncapi() -> None:
    meta = json.loads((ROOT / "tests/golden/asyncapi-3.0.0.json").read_text(encoding="utf-8"))
    complaints = list(jsonschema.Draft7Validator(meta).iter_errors(API))
    assert not complaints
    # so that the meta schema is known to complain
    assert list(jsonschema.Draft7Validator(meta).iter_errors(API | {"channels": []}))


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_somewhere(name: str) -> None:
    resolver = REGISTRY.resolver(base_uri=name)
    found = list(references(FILES[name]))
    assert found
    for reference in found:
        resolver.lookup(reference)


def test_the_topics_are_those_of_the_configuration() -> None:
    default = BrokerConfig()
    addresses = {name: channel["address"] for name, channel in API["channels"].items()}
    assert addresses["ocpResults"] == default.topic
    assert addresses["dvoResults"] == default.dvo_topic
    group = API["operations"]["storeOcp"]["bindings"]["kafka"]["groupId"]["default"]
    assert group == default.group


@pytest.mark.parametrize("kind", ["ocp", "dvo"])
def test_the_examples_are_messages_that_the_service_takes(kind: str) -> None:
    examples = API["components"]["messages"][kind]["examples"]
    assert examples
    for example in examples:
        assert payload(kind, example["payload"])
        assert DECODERS[kind].decode(json.dumps(example["payload"]).encode()).report is not None


def test_the_other_examples_keep_their_schemas() -> None:
    for example in API["components"]["messages"]["status"]["examples"]:
        assert payload("status", example["payload"])
    for example in API["components"]["messages"]["letter"]["examples"]:
        assert holds("schemas/letterHeaders", example["headers"])


@pytest.mark.parametrize("kind", ["ocp", "dvo"])
def test_fixtures_keep_the_schema(kind: str) -> None:
    paths = sorted((recorded.FIXTURES / kind).iterdir())
    assert paths
    assert [path.name for path in paths if not payload(kind, json.loads(path.read_bytes()))] == []


def test_bad_fixtures_that_are_json_break_the_schema() -> None:
    seen = 0
    for path in sorted((recorded.FIXTURES / "bad").iterdir()):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        seen += 1
        assert not payload("ocp", document), path.name
    assert seen > 5


async def test_what_the_tracker_is_told_keeps_the_schema() -> None:
    producer = MemoryProducer()
    tracker = Tracker(Sender(producer), "tracker", "aggregator", Metrics())
    known = Envelope(org=1, account=2, request_id="r", received=True)
    unknown = Envelope(request_id="r")
    await tracker.send([kept(envelope=known), refused(envelope=unknown)])
    told = [json.loads(sent.value or b"") for sent in producer.sent["tracker"]]
    assert {status["status"] for status in told} == {"received", "processed", "success", "error"}
    assert all(payload("status", status) for status in told)
    assert not payload("status", told[0] | {"date": datetime.now(UTC).isoformat()})


def test_what_is_written_into_dead_letters_keeps_the_schema() -> None:
    whole = dead_letter(refused("é" * 3000, "json", offset=2**40))
    for each in (whole, without_value(whole)):
        headers = {name: value.decode() for name, value in each.headers}
        assert holds("schemas/letterHeaders", headers)
        assert set(headers) <= set(API["components"]["schemas"]["letterHeaders"]["properties"])
    assert not holds("schemas/letterHeaders", {"x-error-kind": "json"})


def test_every_kind_of_invalid_message_is_named() -> None:
    """They are the first argument wherever a message is `invalid`."""
    used = {REJECTED, CORRUPT}
    for path in (Path(aggregator.__file__).parent / "ingest").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "invalid"
                and isinstance(node.args[0], ast.Constant)
            ):
                used.add(str(node.args[0].value))
    named = API["components"]["schemas"]["letterHeaders"]["properties"]["x-error-kind"]["enum"]
    assert named == sorted(used) == list(KINDS)


def test_the_page_is_what_is_generated() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "messages.py"))["page"]()
    written = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert written == generated, "run `make docs`"
