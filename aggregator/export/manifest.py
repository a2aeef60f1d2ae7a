"""Manifest of an export: how it was made, and which of its files are complete."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import InvalidInput
from .places import Place

FILE = "_export.json"


@dataclass
class Manifest:
    """What was asked for, and what is done of it; it is written after each table."""

    parameters: dict[str, Any]
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    complete: bool = False

    @classmethod
    def resumed(cls, place: Place, parameters: dict[str, Any]) -> Manifest:
        """Continue the export that is there; raise InvalidInput if it was another one."""
        content = place.read(FILE)
        if content is None:
            return cls(parameters)
        try:
            document = json.loads(content)
            made_with, tables = document["parameters"], document["tables"]
        except (ValueError, KeyError, TypeError):
            raise InvalidInput(f"--resume: {FILE} is no manifest of an export") from None
        if made_with != parameters:
            different = [
                name for name in parameters if made_with.get(name) != parameters[name]
            ] or sorted(made_with)
            raise InvalidInput(
                f"--resume: the export was begun with another value of {', '.join(different)}"
            )
        return cls(parameters, tables)

    def add(self, table: str, file: str, rows: int, unattributed: int, at: datetime) -> None:
        """Note that a table is complete; `at` is the time of its snapshot, naive UTC."""
        self.tables[table] = {
            "file": file,
            "rows": rows,
            "rows_of_unknown_organization": unattributed,
            "snapshot_at": at.isoformat(timespec="seconds") + "Z",
        }

    def document(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "complete": self.complete,
            "parameters": self.parameters,
            "tables": self.tables,
            "rows": sum(table["rows"] for table in self.tables.values()),
        }

    def write(self, place: Place) -> None:
        """Write it, whole."""
        with place.create(FILE) as stream:
            stream.write(json.dumps(self.document(), indent=2).encode() + b"\n")
