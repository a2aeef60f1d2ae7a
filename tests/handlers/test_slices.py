"""No operation of the API keeps the event loop: calls and bytes between two turns are counted.

The operations and their parameters are those of the OpenAPI document, so a new one is measured,
too. The data set is so large that any loop over it exceeds the limit of calls.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from asyncio import events
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from tornado.iostream import IOStream

from aggregator.config.options import StorageConfig
from aggregator.db import storage as sql
from aggregator.db.engine import connect
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.errors import Unavailable
from aggregator.handlers.answers import PIECE
from tests.handlers.test_limits import PREFIX, configured, served
from tests.test_openapi import OPERATIONS, resolved

ROWS = 12_000
# calls of functions in Python and C: 500 rows take up to 9,000
MOST_CALLS = 10_000
# one write or one piece of JSON; the largest ones are pieces of an answer with a head
MOST_BYTES = 2 * PIECE

CLUSTER = "'00000000-0000-4000-8000-' || printf('%012x', n)"
NAMES = [f"00000000-0000-4000-8000-{number:012x}" for number in range(1, ROWS + 1)]
FILL = (
    f"report (org_id, cluster, report, reported_at, last_checked_at) SELECT 1, {CLUSTER},"
    " '{\"a\": [1, 2]}', '2100-01-01', '2026-01-01'",
    f"report_info (org_id, cluster_id, version_info) SELECT 1, {CLUSTER}, '4.18.1'",
    f"rule_hit (org_id, cluster_id, rule_fqdn, error_key, template_data) SELECT 1, {CLUSTER},"
    " 'a.b.report', 'K', '{}'",
    "rule_hit (org_id, cluster_id, rule_fqdn, error_key, template_data) SELECT 1,"
    f" '{NAMES[0]}', 'a.r' || n || '.report', 'K', '{{\"x\": 1}}'",
    "recommendation (org_id, cluster_id, rule_fqdn, error_key, rule_id, created_at)"
    f" SELECT 1, {CLUSTER}, 'a.b', 'K', 'a.b|K', '2026-01-01'",
    "cluster_rule_toggle (cluster_id, rule_id, error_key, org_id, disabled, disabled_at,"
    f" updated_at) SELECT {CLUSTER}, 'a.b', 'K', '1', 1, '2026-01-01', '2026-01-01'",
    "cluster_user_rule_disable_feedback (cluster_id, user_id, rule_id, message, added_at,"
    f" updated_at, error_key, org_id) SELECT {CLUSTER}, 'u', 'a.b', 'why', '2026-01-01',"
    " '2026-01-01', 'K', '1'",
    "rule_disable (org_id, rule_id, error_key, justification, created_at)"
    " SELECT '1', 'a.r' || n, 'K', 'known', '2026-01-01'",
    "advisor_ratings (org_id, rule_fqdn, error_key, rating, rule_id)"
    " SELECT '1', 'a.r' || n, 'K', 1, 'a.r' || n || '|K'",
    "dvo_report (org_id, cluster_id, namespace_id, namespace_name, report, recommendations,"
    f" objects, reported_at, last_checked_at, rule_hits_count) SELECT 1, {CLUSTER}, 'ns', 'name',"
    " '\"{}\"', 1, 1, '2026-01-01', '2026-01-01', '{\"x|K\": 1}'",
    "report (org_id, cluster, report, reported_at, last_checked_at) SELECT n + 10000,"
    f" '1' || substr({CLUSTER}, 2), '{{}}', '2026-01-01', '2026-01-01'",
)
NUMBERS = " WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :rows) SELECT"
VALUES = {
    "org_id": "1",
    "organization": "1",
    "cluster": NAMES[0],
    "user_id": "u",
    "rule_id": "a.b",
    "rule_selector": "a.b|K",
    "error_key": "K",
    "namespace": "ns",
    "cluster_list": ",".join(NAMES[:2500]),
    "clusters": ",".join(NAMES[-2500:]),
    "organizations": ",".join(str(number + 10_000) for number in range(ROWS)),
}
# operations whose answer has all rows
LARGE = {
    "get /organizations",
    "get /organizations/{organization}/clusters",
    "get /organizations/{org_id}/clusters/{cluster}/users/{user_id}/report",
    "get /organizations/{org_id}/clusters/{cluster_list}/reports",
    "post /organizations/{org_id}/clusters/reports",
    "get /rules/{rule_selector}/organizations/{org_id}/users/{user_id}/clusters_detail",
    "post /recommendations/organizations/{org_id}/users/{user_id}/list",
    "post /clusters/organizations/{org_id}/users/{user_id}/recommendations",
    "get /rules/organizations/{org_id}/disabled",
    "post /rules/organizations/{org_id}/disabled_for_clusters",
    "get /rules/users/{user_id}/disabled/feedback",
    "get /clusters/rules/{rule_id}/error_key/{error_key}/organizations/{org_id}/disabled",
    "get /rules/organizations/{org_id}/disabled_system_wide",
    "get /organization/{org_id}/workloads",
    "post /organization/{org_id}/workloads",
    "get /openapi.json",
}


class Turns:
    """Counts calls and bytes of the turn of the loop that takes most."""

    def __init__(self) -> None:
        self.calls = self.bytes = 0
        self._calls = 0

    def run(self, handle: Callable[[], None]) -> None:
        """Run a callback of the loop."""
        self._calls = 0
        sys.setprofile(self._count)
        try:
            handle()
        finally:
            sys.setprofile(None)
            self.calls = max(self.calls, self._calls)

    def note(self, size: int) -> None:
        """Count one piece of bytes."""
        self.bytes = max(self.bytes, size)

    def _count(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self._calls += event in ("call", "c_call")


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    """Count what the loop of this thread does."""
    turns, run, dumps, write = Turns(), events.Handle._run, orjson.dumps, IOStream.write

    def counted_dumps(*arguments: Any, **options: Any) -> bytes:
        document = dumps(*arguments, **options)
        turns.note(len(document))
        return document

    def counted_write(self: IOStream, data: bytes | memoryview) -> Any:
        turns.note(len(data))
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(events.Handle, "_run", lambda handle: turns.run(lambda: run(handle)))
        patch.setattr(orjson, "dumps", counted_dumps)
        patch.setattr(IOStream, "write", counted_write)
        yield turns


@asynccontextmanager
async def full(folder: Path) -> AsyncIterator[tuple[int, Any]]:
    """Serve the data set; yield the port and the storage."""
    section = StorageConfig(sqlite_datasource=str(folder / "full.db"))
    engine = connect(section)
    for chain in (OCP, DVO):
        await migrate(engine, chain, chain.latest)
    async with engine.begin() as conn:
        for statement in FILL:
            inserted = "INSERT INTO " + statement.replace(" SELECT", NUMBERS, 1) + " FROM s"
            await conn.execute(sa.text(inserted), {"rows": ROWS})
    await engine.dispose()
    config = configured(section, debug=True, request_timeout=300)
    storage, _ = sql.build(config)
    async with served(config, storage) as port:
        yield port, storage


def body(operation: dict[str, Any]) -> bytes | None:
    """Return a body of the operation's kind."""
    if "requestBody" not in operation:
        return None
    content = resolved(operation["requestBody"])["content"]["application/json"]
    schema = resolved(content["schema"])
    if "clusters" in schema.get("properties", {}):
        return json.dumps({"clusters": NAMES}).encode()
    if "properties" in schema:
        texts = {"message": "m", "justification": "j", "rule": "a.r1|K", "rating": 1}
        return json.dumps(texts).encode()
    return json.dumps(NAMES).encode()


def send(port: int, method: str, path: str, content: bytes | None) -> tuple[int, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, content)
        answer = connection.getresponse()
        return answer.status, len(answer.read())
    finally:
        connection.close()


async def test_no_operation_keeps_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # deletes last: they delete what the others list
    operations = sorted(
        (one for one in OPERATIONS if one[0] != "options"), key=lambda one: one[0] == "delete"
    )
    wrong, large = {}, set()
    async with full(tmp_path) as (port, _):
        for method, template, operation in operations:
            # one route has a rule and a key in `rule_id`
            named = (
                template.replace("/rules/{rule_id}", "/rules/a.b|K")
                if template.endswith("/rules/{rule_id}")
                else template
            )
            path = re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], named)
            url = path if path in ("/livez", "/readyz") else PREFIX + path[1:]
            with counted(monkeypatch) as turns:
                status, size = await asyncio.to_thread(
                    send, port, method.upper(), url, body(operation)
                )
            if status not in (200, 404) or turns.calls > MOST_CALLS or turns.bytes > MOST_BYTES:
                wrong[f"{method} {template}"] = (status, turns.calls, turns.bytes)
            if size > PIECE:
                large.add(f"{method} {template}")
    assert wrong == {}
    assert large == LARGE


async def test_the_count_notices_a_loop_over_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as turns:
        await asyncio.sleep(0)
        documents = [repr(number) for number in range(ROWS)]
        orjson.dumps(documents * 10)
        await asyncio.sleep(0)
    assert turns.calls > MOST_CALLS
    assert turns.bytes > MOST_BYTES


async def test_a_database_that_fails_in_the_middle_of_a_list_is_answered_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with full(tmp_path) as (port, storage):
        database = storage.dvo._db
        read = database._all_parts

        async def failing(*arguments: Any) -> AsyncIterator[Any]:
            reading = read(*arguments)
            for _ in range(5):
                yield await anext(reading)
            await reading.aclose()
            raise Unavailable("database: the connection was lost")

        monkeypatch.setattr(database, "_all_parts", failing)
        lost = await asyncio.to_thread(send, port, "GET", PREFIX + "organization/1/workloads", None)
        monkeypatch.undo()
        found = await asyncio.to_thread(
            send, port, "GET", PREFIX + "organization/1/workloads", None
        )
    assert lost == (503, len(b'{"status":"Service Unavailable"}\n'))
    assert found[0] == 200
    assert found[1] > 5 * PIECE
