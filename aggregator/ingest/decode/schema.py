"""The JSON Schemas of both messages, and a message held against one."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import islice
from typing import Any, Literal

from .message import Message

# a wrong message may cause a million errors; the best of this number is reported
COMPLAINTS = 100

Profile = Literal["default", "strict"]


class Schema:
    """The strict profile: what the engine's published schema asks for beyond what we need.

    One library decides quickly, the other one explains.
    """

    def __init__(self, name: str) -> None:
        # both are seldom wanted, and take 7 MB
        import jsonschema
        import jsonschema_rs

        schema = strict(load(name))
        self._fast = jsonschema_rs.validator_for(schema)
        self._explaining = jsonschema.Draft202012Validator(schema)
        self._best_match = jsonschema.exceptions.best_match

    def check(self, opened: Message) -> None:
        """Raise InvalidMessage unless the message keeps the schema."""
        try:
            document = json.loads(opened.text)
            if self._fast.is_valid(document):
                return
        except (RecursionError, ValueError) as error:
            raise opened.invalid("schema", f"schema: cannot be checked ({error})") from error
        complaint = self._best_match(islice(self._explaining.iter_errors(document), COMPLAINTS))
        raise opened.invalid("schema", f"schema: {_explained(complaint)}")


def load(name: str) -> dict[str, Any]:
    """Return a shipped schema: its root is the default profile."""
    text = (files("aggregator") / "schemas" / name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the strict profile as its root."""
    return schema | {"$ref": "#/$defs/strict"}


def _explained(complaint: Any) -> str:
    """Return the complaint in a line."""
    if complaint is None:
        return "not valid"
    path = ".".join(str(part) for part in complaint.absolute_path)
    text = str(complaint.message)
    text = text if len(text) <= 120 else text[:117] + "..."
    return f"{path}: {text}" if path else text
