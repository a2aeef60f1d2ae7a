"""Dead letters as text: JSON of what is known, and payloads that are safe on a terminal."""

from __future__ import annotations

import json
from typing import Any

from ..escaping import printable, printable_json
from ..ingest.dead_letter import DeadLetter
from ..ingest.decode import payload as compressed

GZIP = b"\x1f\x8b"
# of a payload that is no JSON
LONGEST_TEXT = 100_000


def origin(letter: DeadLetter) -> str:
    """Return `topic/partition/offset`, or `-` where the dead letter does not tell it."""
    return str(letter.origin) if letter.origin.topic else "-"


def summary(letter: DeadLetter) -> dict[str, Any]:
    """Return what is known without the payload; `written_at` is RFC 3339 in UTC."""
    record, came = letter.record, letter.origin
    return {
        "partition": record.partition,
        "offset": record.offset,
        "written_at": letter.at.isoformat().replace("+00:00", "Z"),
        "kind": letter.kind,
        "error": letter.error,
        "origin": {"topic": came.topic, "partition": came.partition, "offset": came.offset},
        "bytes": len(record.value or b""),
        "value_omitted": letter.value_omitted,
    }


def headers(letter: DeadLetter) -> list[dict[str, str | None]]:
    """Return all headers; bytes that are no UTF-8 are replaced."""
    return [
        {"name": name, "value": None if value is None else value.decode(errors="replace")}
        for name, value in letter.record.headers
    ]


def payload(value: bytes | None, maximum: int) -> Any:
    """Return the payload as JSON value, or as text; gzip is decompressed up to `maximum` bytes."""
    text = _text(value, maximum)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def editable(value: bytes | None, maximum: int) -> bytes:
    """Return the payload for an editor: JSON is indented, other text is as it is."""
    try:
        document = json.loads(_text(value, maximum))
    except (ValueError, RecursionError):
        return _unpacked(value or b"", maximum)
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def whole(letter: DeadLetter, maximum: int) -> str:
    """Return everything for a person; nothing in it controls the terminal."""
    known = summary(letter)
    lines = [
        f"place:   {letter.record.topic}/{known['partition']}/{known['offset']}",
        f"written: {known['written_at']}",
        f"origin:  {origin(letter)}",
        f"kind:    {letter.kind or '-'}",
        f"error:   {letter.error or '-'}",
        f"key:     {(letter.record.key or b'').decode(errors='replace')}",
        *(f"header:  {one['name']}: {one['value']}" for one in headers(letter)),
        f"payload: {known['bytes']} bytes{' (omitted)' if letter.value_omitted else ''}",
    ]
    shown = payload(letter.record.value, maximum)
    if isinstance(shown, str):
        body = [printable(line) for line in shown[:LONGEST_TEXT].splitlines()]
    else:
        body = [printable_json(json.dumps(shown, indent=2, ensure_ascii=False))]
    text = "\n".join([*map(printable, lines), *body])
    return text.encode("utf-8", "backslashreplace").decode()


def _text(value: bytes | None, maximum: int) -> str:
    return _unpacked(value or b"", maximum).decode(errors="replace")


def _unpacked(value: bytes, maximum: int) -> bytes:
    if not value.startswith(GZIP):
        return value
    try:
        return bytes(compressed.unpacked(value, maximum))
    except Exception:
        # what the decoder rejects may be broken in any way, and is shown as it is
        return value
