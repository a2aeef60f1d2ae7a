"""docs/messages.md, written out of the AsyncAPI document and the JSON Schemas of the messages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "aggregator" / "schemas"
PAGE = ROOT / "docs" / "messages.md"
HEAD = """# Messages

<!-- Written by `make docs` out of aggregator/schemas: change it there. -->

{description} Machines find all of this in
[asyncapi.json](../aggregator/schemas/asyncapi.json) (AsyncAPI {version}),
[ocp_message.json](../aggregator/schemas/ocp_message.json) and
[dvo_message.json](../aggregator/schemas/dvo_message.json) (JSON Schema), which the package ships.
"""
STRICT = """**With `processing.schema: strict`** more is asked for. {description}
A message that does not keep this is refused with the kind `schema`.
"""
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} attributes",
}

Schema = dict[str, Any]


class Document:
    """A JSON document, and those beside it that it refers to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))

    def resolve(self, node: Any) -> tuple[Document, Any]:
        """Follow references; what stands beside a reference wins over what it leads to."""
        document: Document = self
        while isinstance(node, dict) and "$ref" in node:
            beside = {key: value for key, value in node.items() if key != "$ref"}
            name, _, pointer = node["$ref"].partition("#")
            document = Document(name) if name else document
            found: Any = document.root
            for part in filter(None, pointer.split("/")):
                found = found[part]
            node = found | beside
        return document, node


def page() -> str:
    """Return the whole page."""
    api = Document("asyncapi.json")
    info = api.root["info"]
    parts = [HEAD.format(description=info["description"], version=api.root["asyncapi"])]
    parts.append(_table(("topic", "", "message", "what for"), _operations(api)))
    for channel in api.root["channels"].values():
        for message in channel["messages"].values():
            _, found = api.resolve(message)
            parts += _message(api, channel, found)
    return "\n".join(parts)


def _operations(api: Document) -> Iterator[tuple[str, ...]]:
    for operation in api.root["operations"].values():
        _, channel = api.resolve(operation["channel"])
        _, message = api.resolve(operation["messages"][0])
        action = {"receive": "read", "send": "written"}[operation["action"]]
        link = f"[{message['title']}](#{message['title'].lower().replace(' ', '-')})"
        yield f"`{channel['address']}`", action, link, operation["summary"]


def _message(api: Document, channel: Schema, message: Schema) -> Iterator[str]:
    yield f"## {message['title']}\n"
    yield f"Topic `{channel['address']}`: {channel['description']}\n"
    yield f"{message['description']}\n"
    document, payload = api.resolve(message["payload"])
    if "schemaFormat" in payload:
        document, payload = document.resolve(payload["schema"])
    if rows := list(_rows(document, payload)):
        yield _attributes("attribute", rows)
    strict = document.root.get("$defs", {}).get("strict")
    if strict:
        yield STRICT.format(description=_after_colon(strict["description"]))
        yield _attributes("attribute", _rows(document, strict["allOf"][1]))
    _, headers = api.resolve(message.get("headers", {}))
    if rows := list(_rows(api, headers)):
        yield _attributes("header", rows)
    for example in message["examples"]:
        yield f"{example['summary']}:\n"
        shown = {key: example[key] for key in ("headers", "payload") if key in example}
        if "headers" not in shown:
            shown = shown["payload"]
        yield f"```json\n{json.dumps(shown, indent=1, ensure_ascii=False)}\n```\n"


def _after_colon(text: str) -> str:
    """Return what a description says beyond its title."""
    rest = text.removeprefix("The strict profile").lstrip(":. ")
    return rest[:1].upper() + rest[1:]


def _attributes(head: str, rows: Any) -> str:
    return _table((head, "type", "", "meaning and limits"), rows)


def _rows(document: Document, schema: Any, path: str = "") -> Iterator[tuple[str, ...]]:
    """Yield a row for each attribute of an object, and for those inside it."""
    document, schema = document.resolve(schema)
    for part, at in _parts(schema, path):
        yield from _rows(document, part, at)
    listed = schema.get("properties", {})
    required = schema.get("required", ())
    for name in [*listed, *(name for name in required if name not in listed)]:
        value = listed.get(name, {})
        if value is True:
            continue
        place, found = document.resolve(value)
        below = f"{path}.{name}".lstrip(".")
        needed = "required" if name in required else ""
        meaning = "; ".join(filter(None, [*_meanings(found), _alternatives(place, found)]))
        if _type(found) or needed or meaning:
            yield f"`{below}`", _type(found), needed, meaning
        yield from _rows(place, found, below)


def _parts(schema: Schema, path: str) -> Iterator[tuple[Any, str]]:
    """Yield what a schema is made of; of alternatives the first has most to tell."""
    if "items" in schema:
        yield schema["items"], f"{path}[]"
    if "then" in schema:
        yield schema["then"], path
    if "anyOf" in schema:
        yield schema["anyOf"][0], path


def _alternatives(document: Document, schema: Schema) -> str:
    said = [document.resolve(each)[1].get("description", "") for each in schema.get("anyOf", ())]
    return "; or: ".join(each.rstrip(".") for each in said if each)


def _type(schema: Schema) -> str:
    kind = schema.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else kind


def _meanings(schema: Schema) -> list[str]:
    """Return the description and the limits, each in some words."""
    said = [schema["description"].rstrip(".")] if "description" in schema else []
    said += [text.format(schema[key]) for key, text in LIMITS.items() if key in schema]
    if "const" in schema:
        said.append(f"always `{schema['const']}`")
    if "enum" in schema:
        said.append("one of " + ", ".join(f"`{each}`" for each in schema["enum"]))
    if "pattern" in schema and len(schema["pattern"]) < 100:
        said.append(f"`{schema['pattern']}`")
    if "additionalProperties" in schema:
        said.append(_others(schema["additionalProperties"]))
    return said


def _others(schema: Any) -> str:
    if schema is False:
        return "no other attributes"
    kind = _type(schema) if isinstance(schema, dict) else ""
    return f"other attributes: {kind}" if kind else ""


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
