"""Requests made from our own API description: no 5xx, and only the answers that it documents."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from aggregator.db.engine import open_url
from aggregator.db.migrations import DVO, OCP, migrate
from aggregator.service import Service
from tests.golden import rest_cases
from tests.golden.test_rest import PREFIX, config, database

CHECKS = (
    "not_a_server_error,status_code_conformance,"
    "content_type_conformance,response_schema_conformance"
)


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
async def test_generated_requests_get_documented_answers(dialect: str, tmp_path: Path) -> None:
    async with database(dialect, tmp_path) as (url, section):
        engine = open_url(url)
        for chain in (OCP, DVO):
            await migrate(engine, chain, chain.latest)
        await rest_cases.load(engine, "main")
        await engine.dispose()
        service = Service(config("noauth", section, tmp_path))
        await service.start()
        try:
            status, text = await _schemathesis(f"http://127.0.0.1:{service.port}{PREFIX}", tmp_path)
        finally:
            await service.stop()
    assert status == 0, text[-6000:]
    assert "Failures:" not in text


async def _schemathesis(api: str, folder: Path) -> tuple[int, str]:
    """Run it as a program: its pytest plugin is of no use here."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        "run", f"{api}openapi.json", "--url", api.rstrip("/"),
        "--max-examples", "5", "--seed", "1", "--phases", "examples,coverage,fuzzing",
        "--checks", CHECKS, "--workers", "1",
        # the probes are outside the prefix
        "--exclude-path", "/livez", "--exclude-path", "/readyz", "--no-color",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
