"""`X-Request-Id`: in every answer, and in every log line of the request."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest

from aggregator import logs, request_id
from aggregator.config.options import Config

from .test_limits import LIMIT, PREFIX, ask, healthy

ANSWERS = [
    ("GET", PREFIX, 200),
    ("GET", PREFIX + "organizations/x/clusters", 400),
    ("GET", "/nowhere", 404),
    ("PATCH", PREFIX, 405),
    ("OPTIONS", "*", 200),
    ("GET", "//", 301),
    ("GET", "/livez", 200),
]


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_an_answer_has_the_id_of_its_request(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, method, path, X_Request_Id="a1/b=c:d+e@f.~_-")
    assert (got.status, got.headers["X-Request-Id"]) == (status, "a1/b=c:d+e@f.~_-")


async def test_a_request_refused_before_its_body_has_its_id(tmp_path: Path) -> None:
    async with healthy(tmp_path, maximum_body_size=LIMIT) as port:
        path = PREFIX + "organizations/1/clusters/reports"
        got = await ask(port, "POST", path, b" " * (LIMIT + 1), X_Request_Id="large")
    assert (got.status, got.headers["X-Request-Id"]) == (413, "large")


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "a,b", "\u00e4", "a\\n"])
async def test_a_malformed_id_is_replaced(tmp_path: Path, given: str) -> None:
    async with healthy(tmp_path) as port:
        got = await ask(port, "GET", PREFIX, X_Request_Id=given)
    assert re.fullmatch("[0-9a-f]{32}", got.headers["X-Request-Id"])


async def test_requests_without_an_id_get_different_ones(tmp_path: Path) -> None:
    async with healthy(tmp_path) as port:
        ids = {(await ask(port, "GET", PREFIX)).headers["X-Request-Id"] for _ in range(20)}
    assert len(ids) == 20


async def test_log_lines_have_the_id_of_their_request_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.setup(Config())
    async with healthy(tmp_path) as port:
        paths = [f"{PREFIX}organizations/{number}/clusters" for number in range(1, 9)]
        await asyncio.gather(
            *(ask(port, "GET", path, X_Request_Id=path.split("/")[4]) for path in paths)
        )
    assert request_id.current() == ""
    lines = [line for line in logged(capsys) if line["message"].startswith("Request received")]
    found = {line["message"].split("/")[4]: line["request ID"] for line in lines}
    assert found == {str(number): str(number) for number in range(1, 9)}


def test_a_message_of_a_topic_keeps_its_own_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(Config())
    token = request_id.begin("of-http")
    logging.getLogger("aggregator").info("", extra={"fields": {"request ID": "of-kafka"}})
    request_id.end(token)
    assert [line["request ID"] for line in logged(capsys)] == ["of-kafka"]
