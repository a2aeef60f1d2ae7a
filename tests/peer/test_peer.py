"""The Go service and ours on one database: the same reads, whichever service wrote.

The reference is no part of this project, so nothing starts it here: TEST_PEER_URL names a running
one (its API prefix included) and TEST_PEER_DATABASE_URL its database, which is emptied.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from aggregator.db.engine import open_url
from aggregator.service import Service
from tests.golden import rest_cases
from tests.golden.test_rest import PREFIX, config, storage_section

WRITING = {"vote", "toggle", "reason", "ack", "rating"}
READING_BY_POST = {"recs", "clrecs", "reports", "dvo"}


def peer() -> tuple[int, str, sa.URL]:
    api, database = os.environ.get("TEST_PEER_URL"), os.environ.get("TEST_PEER_DATABASE_URL")
    if not (api and database):
        pytest.skip("needs a running reference: TEST_PEER_URL and TEST_PEER_DATABASE_URL")
    parts = urlsplit(api)
    return parts.port or 80, parts.path, sa.make_url(database)


def chosen() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the recorded reads and writes that show no defect of the reference."""
    cases = [case for case in rest_cases.cases("noauth") if not case.get("bug")]
    reads = [
        case
        for case in cases
        if case["setup"] == "main"
        and not case["id"].startswith("basic-info")
        and (case["method"] == "GET" or case["group"] in READING_BY_POST)
    ]
    writes = [
        case for case in cases if case["group"] in WRITING and case["method"] in ("PUT", "POST")
    ]
    return reads, writes


@pytest.mark.parametrize("writer", ["reference", "ours"])
async def test_both_read_the_same_whichever_wrote(writer: str, tmp_path: Path) -> None:
    port, prefix, url = peer()
    reads, writes = chosen()
    engine = open_url(url)
    await rest_cases.load(engine, "main")
    await engine.dispose()
    service = Service(config("noauth", storage_section(url), tmp_path))
    await service.start()
    ours, theirs = (service.port, PREFIX), (port, prefix)

    async def send(where: tuple[int, str], case: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(rest_cases.send, *where, case)

    wrong = []
    try:
        for case in writes:
            await send(theirs if writer == "reference" else ours, case)
        for case in reads:
            expect = _expected(await send(theirs, case))
            found = rest_cases.problems({**case, "volatile": []}, expect, await send(ours, case))
            wrong += [f"{case['id']}: {problem}" for problem in found]
    finally:
        await service.stop()
    assert reads
    assert writes
    assert not wrong, "\n".join(wrong)


def _expected(answer: dict[str, Any]) -> dict[str, Any]:
    expect = {name: answer[name] for name in ("status", "content_type", "text")}
    try:
        return {**expect, "json": json.loads(answer["text"])}
    except ValueError:
        return expect
