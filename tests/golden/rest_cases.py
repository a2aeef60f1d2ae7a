"""The recorded REST cases: loading their tables, sending, comparing (see rest/README.md)."""

from __future__ import annotations

import http.client
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from aggregator.db import tables
from aggregator.model import utc_now

HERE = Path(__file__).parent
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NOW = re.compile(r"@now(?:([+-]\d+)([smhd]))?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)|\[(\*|\d+)\]')
TABLES = [
    tables.report, tables.rule_hit, tables.recommendation, tables.report_info,
    tables.rule_disable, tables.advisor_ratings, tables.cluster_rule_toggle,
    tables.cluster_user_rule_disable_feedback, tables.cluster_rule_user_feedback,
    tables.consumer_error, tables.dvo_report,
]  # fmt: skip


def cases(mode: str) -> list[dict[str, Any]]:
    """Return the cases of a mode in their order."""
    lines = (HERE / "rest" / "cases.jsonl").read_text().splitlines()
    return [case for case in map(json.loads, lines) if case["mode"] == mode]


def departing() -> dict[str, dict[str, Any]]:
    """Return case id -> what we answer instead, and by which departure."""
    entries = tomllib.loads((HERE / "departing.toml").read_text()).get("rest", [])
    return {entry["case"]: entry for entry in entries}


async def load(engine: AsyncEngine, state: str) -> None:
    """Replace the contents of all tables by those of the state."""
    rows = json.loads((HERE / "rest" / f"state-{state}.json").read_text())
    async with engine.begin() as conn:
        for table in reversed(TABLES):
            await conn.execute(sa.delete(table))
        for table in TABLES:
            name = f"{table.schema}.{table.name}" if table.schema else table.name
            for row in rows.get(name, []):
                await conn.execute(sa.insert(table).values(_typed(table, row)))


def _typed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    typed = {}
    for name, value in row.items():
        kind = table.c[name].type
        if isinstance(kind, sa.DateTime) and value is not None:
            value = _moment(value)
        elif isinstance(kind, sa.JSON):
            value = sa.null() if value is None else _json(value)
        typed[name] = value
    return typed


def _json(value: Any) -> Any:
    return (
        sa.JSON.NULL if value == "null" else json.loads(value) if isinstance(value, str) else value
    )


def _moment(text: str) -> datetime:
    relative = NOW.fullmatch(text)
    if not relative:
        return datetime.fromisoformat(text.rstrip("Z"))
    amount, unit = int(relative[1] or 0), relative[2] or "s"
    return utc_now() + timedelta(**{UNITS[unit]: amount})


def send(port: int, prefix: str, case: dict[str, Any]) -> dict[str, Any]:
    """Send one request as it was recorded; return status, content type, headers and text."""
    path = case["path"] if case["path"].startswith("/") else prefix + case["path"]
    headers, body = dict(case["headers"] or {}), case["body"]
    data = None
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        data = text.encode()
    lower = {name.lower() for name in headers}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(case["method"], path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if "transfer-encoding" in lower:
            connection.endheaders(iter([data] if data else []), encode_chunked=True)
        else:
            if "content-length" not in lower and (data is not None or case["method"] != "GET"):
                connection.putheader("Content-Length", str(len(data or b"")))
            connection.endheaders(data)
        answer = connection.getresponse()
        return {
            "status": answer.status,
            "content_type": answer.getheader("Content-Type"),
            "headers": {name.lower(): value for name, value in answer.getheaders()},
            "text": answer.read().decode(),
        }
    finally:
        connection.close()


def problems(case: dict[str, Any], expect: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Return what differs, empty when the answer is right."""
    found = []
    if got["status"] != expect["status"]:
        return [f"status {got['status']}, expected {expect['status']}: {got['text'][:200]}"]
    kinds = [(kind or "").split(";")[0] for kind in (got["content_type"], expect["content_type"])]
    if kinds[0] != kinds[1]:
        found.append(f"content type {kinds[0]}, expected {kinds[1]}")
    for name, value in (expect.get("headers") or {}).items():
        if got["headers"].get(name) != value:
            found.append(f"{name}: {got['headers'].get(name)}, expected {value}")
    parts = expect.get("contains") or case.get("contains")
    if parts:
        found += [f"lacks {part!r}" for part in parts if part not in got["text"]]
    elif expect.get("json") is not None:
        wanted, answered = (_normal(doc, case) for doc in (expect["json"], json.loads(got["text"])))
        found += list(_differences(wanted, answered, "$"))
    elif "text" in expect and got["text"] != expect["text"]:
        found.append(f"text {got['text'][:200]!r}, expected {expect['text'][:200]!r}")
    return found


def _normal(document: Any, case: dict[str, Any]) -> Any:
    for path in [*(case.get("volatile") or []), *(case.get("loose") or [])]:
        document = _at(document, _steps(path), _blurred)
    for path in case.get("unordered") or []:
        document = _at(document, _steps(path), _sorted)
    return document


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for quoted, name, index in STEP.findall(path):
        if index:
            steps.append("[*]" if index == "*" else int(index))
        else:
            steps.append(quoted or name)
    return steps


def _at(node: Any, steps: list[str | int], change: Any) -> Any:
    if not steps:
        return change(node)
    step, rest = steps[0], steps[1:]
    if isinstance(node, list):
        return [
            _at(item, rest, change) if step in ("[*]", at) else item for at, item in enumerate(node)
        ]
    if isinstance(node, dict):
        return {
            name: _at(value, rest, change) if step in ("*", name) else value
            for name, value in node.items()
        }
    return node


def _blurred(value: Any) -> Any:
    if isinstance(value, str):
        time = TIME.fullmatch(value)
        return f"<time {time[2]}>" if time else "<text>"
    return f"<{type(value).__name__}>"


def _sorted(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda item: json.dumps(item, sort_keys=True))


def _differences(wanted: Any, got: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in sorted(wanted.keys() | got.keys()):
            if name not in wanted or name not in got:
                yield f"{path}.{name} only in {'the answer' if name in got else 'the record'}"
            else:
                yield from _differences(wanted[name], got[name], f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for at, (one, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(one, other, f"{path}[{at}]")
    elif wanted != got or isinstance(wanted, bool) is not isinstance(got, bool):
        yield f"{path} is {json.dumps(got)[:160]}, expected {json.dumps(wanted)[:160]}"
