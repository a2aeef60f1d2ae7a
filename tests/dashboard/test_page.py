"""The page: its files and headers, what is off, and that a deployed one cannot write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.options import Config
from aggregator.dashboard import static_files
from aggregator.dashboard.tools import Tools
from tests.dashboard.serving import identity, request, serving

OURS = sorted(
    file
    for file in static_files.FOLDER.rglob("*")
    if file.suffix in static_files.TYPES and not {"vendor", "docs"} & set(file.parts)
)


async def no_rows(_org: int, _cluster: str) -> dict[str, list[dict[str, Any]]]:
    """Return no rows."""
    return {}


TOOLS = Tools({}, no_rows)


async def test_the_page_and_all_its_files_are_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        page = await request(service.port, "/dashboard")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in page.headers
        links = re.findall(r'(?:href|src)="([^"]+)"', page.body.decode())
        assert "dashboard/static/page.js" in links
        for file in OURS:
            path = f"dashboard/static/{file.relative_to(static_files.FOLDER).as_posix()}"
            text = file.read_text()
            if file.suffix == ".js":
                here = path.rpartition("/")[0]
                imports = re.findall(r"from '\./([^']+)'", text)
                links += [f"{here}/{name}" for name in imports]
        for path in sorted(set(links)):
            found = await request(service.port, f"/{path}")
            assert found.status == 200, path
            assert found.headers["content-type"] != "text/plain; charset=utf-8", path
            etag = {"If-None-Match": found.headers["etag"]}
            assert (await request(service.port, f"/{path}", headers=etag)).status == 304


async def test_at_the_root_only_in_dev(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        assert (await request(service.port, "/")).status == 404
        slash = await request(service.port, "/dashboard/")
        assert (slash.status, slash.headers["location"]) == (301, "/dashboard")
        for path in ("/dashboard/static/../page.py", "/dashboard/static/vendor", "/dashboard/x"):
            assert (await request(service.port, path)).status in (301, 404)
    async with serving(tmp_path, tools=TOOLS) as service:
        assert (await request(service.port, "/")).body.startswith(b"<!doctype html>")


async def test_the_page_needs_no_token_but_its_data_do(tmp_path: Path) -> None:
    async with serving(tmp_path, auth=True) as service:
        assert (await request(service.port, "/dashboard")).status == 200
        about = (await request(service.port, "/dashboard/about.json")).document
        assert (about["auth_type"], about["token_accepted"]) == ("xrh", False)
        assert about["organization"] is None
        about = await request(service.port, "/dashboard/about.json", headers=identity(7))
        assert about.document["token_accepted"] is True
        assert about.document["organization"] == 7


async def test_a_deployed_dashboard_cannot_write(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        assert (await request(service.port, "/dashboard/about.json")).document["writable"] is False
        assert service.dashboard is not None
        routes = service.dashboard.routes()
        assert len(routes) > 10
        assert {route.methods for route in routes} == {("GET",)}
        for path in ("dashboard/samples", "dashboard/messages"):
            assert (await request(service.port, f"/{path}", method="POST")).status == 404


async def test_requests_of_the_page_are_not_counted(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await request(service.port, "/dashboard")
        metrics = (await service.processes.scrape()).decode()
        assert "dashboard" not in metrics


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_a_file_needs_no_inline_script_or_style(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|javascript:|\bsrcdoc", text)
    # a style as an object is set through CSSOM; as text it would be an inline style
    assert not re.search(r"""\bstyle=(?!\$\{\{)|\bon[a-z]+="|setAttribute\('style""", text)
    assert not re.search(r"[a-z]HTML\b|dangerously|document\.(write|cookie)", text)
    assert not re.search(r"\beval\(|new Function|https?://(?!www\.w3\.org/2000/svg)", text)


async def test_without_the_option_nothing_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path, dashboard=False) as service:
        assert service.dashboard is None
        for path in ("/", "/dashboard", "/dashboard/events", "/dashboard/about.json"):
            assert (await request(service.port, path)).status == 404
    assert Config().server.dashboard is False


def test_without_the_option_nothing_is_imported() -> None:
    program = """
import asyncio, json, sys
from dataclasses import replace
from aggregator.config.options import Config
from aggregator.service import Service

async def main():
    config = Config()
    service = Service(replace(config, server=replace(config.server, address="127.0.0.1:0")))
    await service.start()
    await service.stop()

asyncio.run(main())
print(json.dumps([name for name in sys.modules if name.startswith("aggregator")]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert "aggregator.handlers.app" in loaded
    assert not [name for name in loaded if name.startswith("aggregator.dashboard")]


def test_the_static_files_are_in_the_wheel() -> None:
    text = (Path(__file__).parents[2] / "setup.py").read_text()
    assert '"dashboard/**/*"' in text
