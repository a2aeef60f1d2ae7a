"""The documentation pages: when they are served, to whom, and with which headers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator.handlers.documentation import CONTENT_SECURITY_POLICY, documentation
from tests.handlers.test_limits import ask, healthy

PATHS = sorted(f"/{route.path}" for route in documentation())
PAGES = ["/docs", "/docs/messages"]


@pytest.mark.parametrize("path", PAGES)
async def test_without_debug_there_is_no_documentation(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path) as port:
        answer = await ask(port, "GET", path)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")


def test_the_handlers_are_imported_only_when_they_are_served() -> None:
    code = "import sys, aggregator.service; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "aggregator.handlers.documentation" not in done.stdout.split()


async def test_every_file_has_its_type_and_the_policy(tmp_path: Path) -> None:
    types = {"html": "text/html", "css": "text/css", "json": "application/json"}
    types |= {"js": "text/javascript", "mjs": "text/javascript", "svg": "image/svg+xml"}
    async with healthy(tmp_path, debug=True) as port:
        for path in PATHS:
            answer = await ask(port, "GET", path)
            assert answer.status == 200, path
            kind = "html" if path in PAGES else path.rpartition(".")[2]
            assert answer.headers["content-type"].split(";")[0] == types[kind], path
            assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert "unsafe" not in CONTENT_SECURITY_POLICY
            again = await ask(port, "GET", path, if_none_match=answer.headers["etag"])
            assert again.status == 304, path


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("dashboard", [False, True])
async def test_a_page_leads_to_the_dashboard_if_there_is_one(
    tmp_path: Path, path: str, dashboard: bool
) -> None:
    async with healthy(tmp_path, debug=not dashboard, dashboard=dashboard) as port:
        answer = await ask(port, "GET", path)
    assert answer.status == 200
    assert (b'href="/dashboard"' in answer.body) is dashboard


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_refers_only_to_what_is_served(tmp_path: Path, path: str) -> None:
    async with healthy(tmp_path, debug=True) as port:
        page = (await ask(port, "GET", path)).body.decode()
        links = set(re.findall(r'(?:href|src)="([^"#]+)"', page))
        assert len(links) > 5
        for link in links:
            assert (await ask(port, "GET", link)).status == 200, link
    assert 'data-prefix="/api/v1/"' in page
    assert "<style" not in page
    assert not re.search(r"<script[^>]*>[^<]", page)


async def test_the_pages_are_as_open_as_the_description_of_the_api(tmp_path: Path) -> None:
    async with healthy(tmp_path, debug=True, auth=True) as port:
        for path in [*PATHS, "/api/v1/openapi.json"]:
            assert (await ask(port, "GET", path)).status == 200, path
            assert (await ask(port, "GET", f"{path}?a=b")).status == 401, path


def test_the_schemas_of_messages_are_served_unchanged() -> None:
    """References from one document to another are resolved by name, beside each other."""
    served = {route.path.rpartition("/")[2]: route for route in documentation()}
    package = Path(sys.modules["aggregator"].__file__ or "").parent
    text = (package / "schemas" / "asyncapi.json").read_text()
    for name in re.findall(r'"\$ref": "([a-z_]+\.json)', text):
        assert served[name].arguments["file"] == f"schemas/{name}"
        assert json.loads((package / "schemas" / name).read_text())
