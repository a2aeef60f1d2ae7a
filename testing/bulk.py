"""Loads valid messages into PostgreSQL by COPY, writing the same rows as ingest.

It spells tables and columns out, so it needs nothing of the service but its schema.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import asyncpg
import orjson

from .fixtures import GeneratedMessage
from .writers import CannotWrite

BATCH = 5000
VERSION_INFO = "version_info|CLUSTER_VERSION_INFO"

Row = tuple[Any, ...]
_COLUMNS: dict[str, tuple[str, ...]] = {
    "report": ("org_id", "cluster", "report", "reported_at", "last_checked_at", "gathered_at"),
    "rule_hit": ("org_id", "cluster_id", "rule_fqdn", "error_key", "template_data", "created_at"),
    "recommendation": (
        "org_id", "cluster_id", "rule_fqdn", "error_key", "rule_id", "created_at",
        "impacted_since",
    ),
    "report_info": ("org_id", "cluster_id", "version_info"),
    "dvo_report": (
        "org_id", "cluster_id", "namespace_id", "namespace_name", "report", "recommendations",
        "objects", "reported_at", "last_checked_at", "rule_hits_count",
    ),
}  # fmt: skip
_SCHEMAS = {"dvo_report": "dvo"}


async def copy(dsn: str, messages: Iterable[GeneratedMessage]) -> None:
    """Copy the rows of the messages; raise CannotWrite when a cluster is there already."""
    try:
        connection = await asyncpg.connect(dsn.replace("+asyncpg", "", 1))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotWrite(f"PostgreSQL: {error}") from error
    try:
        await connection.execute("SET synchronous_commit = off")
        await _copy_all(connection, iter(messages))
        for table in _COLUMNS:
            await connection.execute(f"ANALYZE {_SCHEMAS.get(table, 'public')}.{table}")
    except asyncpg.UniqueViolationError as error:
        raise CannotWrite(
            f"PostgreSQL: {error.detail} COPY adds clusters that are not there yet: "
            "take another --seed, or an empty database"
        ) from error
    except asyncpg.PostgresError as error:
        raise CannotWrite(f"PostgreSQL: {error}") from error
    finally:
        await connection.close()


async def _copy_all(connection: Any, messages: Iterator[GeneratedMessage]) -> None:
    """Copy batch after batch; while the server takes one, the next is made."""
    making = asyncio.create_task(asyncio.to_thread(_made, messages))
    try:
        while rows := await making:
            making = asyncio.create_task(asyncio.to_thread(_made, messages))
            async with connection.transaction():
                for table, records in rows.items():
                    await connection.copy_records_to_table(
                        table,
                        schema_name=_SCHEMAS.get(table, "public"),
                        columns=_COLUMNS[table],
                        records=records,
                    )
    finally:
        await asyncio.wait([making])


def _made(messages: Iterator[GeneratedMessage]) -> dict[str, list[Row]]:
    """Return the rows of the next messages by table, nothing at the end."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    now = datetime.now(UTC).replace(tzinfo=None)
    for made in islice(messages, BATCH):
        message = orjson.loads(made.value)
        if made.kind == "ocp":
            _add_report(rows, message, now)
        else:
            _add_workloads(rows, message)
    return dict(rows)


def _add_report(rows: dict[str, list[Row]], message: dict[str, Any], now: datetime) -> None:
    org, cluster, report = message["OrgID"], message["ClusterName"], message["Report"]
    gathered = message.get("Metadata", {}).get("gathering_time")
    rows["report"].append(
        (
            org,
            cluster,
            _sorted_text(report),
            now,
            _moment(message["LastChecked"]),
            _moment(gathered) if gathered else None,
        )
    )
    second = now.replace(microsecond=0)
    for hit in report["reports"]:
        rule, key = hit["component"], hit["key"]
        name = rule.removesuffix(".report")
        details = orjson.dumps(hit["details"]).decode()
        rows["rule_hit"].append((org, cluster, rule, key, details, second))
        rows["recommendation"].append((org, cluster, name, key, f"{name}|{key}", second, second))
    for info in report.get("info", ()):
        if info["info_id"] == VERSION_INFO:
            rows["report_info"].append((org, cluster, info["details"]["version"]))


def _add_workloads(rows: dict[str, list[Row]], message: dict[str, Any]) -> None:
    org, cluster = message["OrgID"], message["ClusterName"]
    checked = _moment(message["LastChecked"])
    text = orjson.dumps(_sorted_text(message["Metrics"])).decode()
    names: dict[str, str] = {}
    entries: defaultdict[str, int] = defaultdict(int)
    objects: defaultdict[str, set[str]] = defaultdict(set)
    hits: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for item in message["Metrics"]["workload_recommendations"]:
        rule = f"{item['component'].removesuffix('.recommendation')}|{item['key']}"
        for uid in {workload["namespace_uid"] for workload in item["workloads"]}:
            entries[uid] += 1
        for workload in item["workloads"]:
            uid = workload["namespace_uid"]
            names.setdefault(uid, workload["namespace"])
            objects[uid].add(workload["uid"])
            hits[uid][rule] += 1
    rows["dvo_report"].extend(
        (
            org, cluster, uid, name, text, entries[uid], len(objects[uid]), checked, checked,
            orjson.dumps(hits[uid]).decode(),
        )
        for uid, name in names.items()
    )  # fmt: skip


def _sorted_text(body: dict[str, Any]) -> str:
    return orjson.dumps({name: body[name] for name in sorted(body)}).decode()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
