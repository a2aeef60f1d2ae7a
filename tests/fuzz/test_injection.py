"""SQL in each path parameter and each text of a body: PostgreSQL gets it as a value."""

from __future__ import annotations

import http.client
import json
import re
from asyncio import to_thread
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from tests.databases import fresh_database
from tests.golden.test_rest import storage_section

from . import multi_tenant_service as tenants
from .test_requests import GOOD

PIECES = [
    "'", "\\'", "' OR '1'='1", "';SELECT pg_sleep(60)--", "'||pg_sleep(60)||'", "$1", "$$;DROP$$",
    "a','b", "1) OR (1=1", "%(org)s", "a.b|C' OR 1=1",
]  # fmt: skip
SECONDS = 30


def requests() -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and body, with a piece in one place, of an organization without data."""
    good = {name: values[0] for name, values in GOOD.items()}
    good |= dict.fromkeys(("org_id", "organization", "organizations"), "999999")
    paths = json.loads(tenants.DESCRIPTION.read_text())["paths"]
    for path, operations in paths.items():
        for method in operations.keys() & {"get", "put", "post", "delete"}:
            filled = re.sub(r"\{(\w+)\}", lambda name: quote(good[name[1]], safe=""), path)
            for piece in PIECES:
                for name in re.findall(r"\{(\w+)\}", path):
                    values = good | {name: piece}
                    place = re.sub(
                        r"\{(\w+)\}",
                        lambda name, values=values: quote(values[name[1]], safe=""),  # type: ignore[misc]
                        path,
                    )
                    yield method.upper(), place, {"message": "", "justification": ""}
                if method == "post":
                    for body in (
                        [piece], {"clusters": [piece]}, {"message": piece, "justification": piece},
                        {"rule": f"a.b|{piece}", "rating": 1}, {"rule": piece, "rating": piece},
                    ):  # fmt: skip
                        yield "POST", filled, body


def ask_all(port: int) -> list[str]:
    """Return what was answered with 5xx, or late."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    bad = []
    for method, path, body in requests():
        connection.request(method, tenants.PREFIX + path, json.dumps(body))
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 500:
            bad.append(f"{answer.status} {method} {path} {body}")
    connection.close()
    return bad


async def test_sql_in_any_parameter_is_a_value(tmp_path: Path) -> None:
    async with fresh_database() as location:
        section = storage_section(sa.make_url(location))
        async with tenants.service(tmp_path, section, request_timeout=SECONDS) as (port, engine):
            before = await tenants.rows_of_others(engine)
            assert sum(map(bool, before.values())) >= 5
            assert await to_thread(ask_all, port) == []
            after = await tenants.rows_of_others(engine)
    # what is stored for the organization of the requests is new
    new = {name: [row for row in rows if row not in before[name]] for name, rows in after.items()}
    assert all("999999" in row for rows in new.values() for row in rows)
    assert all(set(rows) <= set(after[name]) for name, rows in before.items())
