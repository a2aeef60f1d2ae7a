"""A profile of the running process: how it is asked for, and that requests go on meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from tests.handlers.test_limits import ask, healthy

PROFILE = "/debug/pprof/profile"


@pytest.mark.parametrize("path", ["/debug/pprof/", PROFILE])
async def test_without_debug_there_is_no_profile(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path) as port:
        assert (await ask(port, "GET", path)).status == 404


@pytest.mark.parametrize("path", ["/debug/pprof/", PROFILE])
async def test_a_token_is_needed_as_for_all_debug_endpoints(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path, debug=True, auth=True) as port:
        assert (await ask(port, "GET", path)).status == 401


async def test_the_index_says_what_can_be_had(tmp_path: Path) -> None:
    async with healthy(tmp_path, debug=True) as port:
        answer = await ask(port, "GET", "/debug/pprof/")
    assert answer.status == 200
    assert PROFILE.encode() in answer.body


def occupy_the_loop() -> None:
    """Work long enough for a sampling profiler to see it on a busy machine, too."""
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass


@pytest.mark.parametrize("form", ["text", "html", "speedscope"])
async def test_requests_are_answered_while_a_profile_is_taken(tmp_path: Path, form: str) -> None:
    pytest.importorskip("pyinstrument")
    async with healthy(tmp_path, debug=True, request_timeout=0.2) as port:
        path = f"{PROFILE}?seconds=1&format={form}"
        profile = asyncio.create_task(ask(port, "GET", path))
        answered = 0
        while not profile.done():
            answer = await ask(port, "GET", "/api/v1/")
            assert answer.status == 200
            answered += 1
            occupy_the_loop()
        answer = await profile
    assert answered > 1
    assert answer.status == 200
    assert b"occupy_the_loop" in answer.body
    if form == "speedscope":
        assert json.loads(answer.body)["profiles"]


async def test_one_profile_is_taken_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("pyinstrument")
    async with healthy(tmp_path, debug=True) as port:
        answers = await asyncio.gather(
            *(ask(port, "GET", f"{PROFILE}?seconds=1") for _ in range(2))
        )
        assert sorted(answer.status for answer in answers) == [200, 409]
        assert (await ask(port, "GET", f"{PROFILE}?seconds=0.01")).status == 200


@pytest.mark.parametrize(
    "query", ["seconds=0", "seconds=61", "seconds=-1", "seconds=nan", "seconds=x", "format=svg"]
)
async def test_a_wrong_parameter_is_400(tmp_path: Path, query: str) -> None:
    async with healthy(tmp_path, debug=True) as port:
        answer = await ask(port, "GET", f"{PROFILE}?{query}")
    assert answer.status == 400
    assert query.partition("=")[0] in json.loads(answer.body)["status"]


async def test_without_the_package_the_answer_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyinstrument", None)
    async with healthy(tmp_path, debug=True) as port:
        answer = await ask(port, "GET", PROFILE)
    assert answer.status == 501
    assert "the extra 'profile'" in json.loads(answer.body)["status"]
