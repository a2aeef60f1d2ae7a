"""The page and its static files; they hold no data, so they need no token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..handlers.router import Route
from .base import DashboardHandler

FOLDER = Path(__file__).parent / "static"
PAGE = "index.html"
# `handlers/documentation.py` serves these
_OF_DOCS = {"docs", "swagger-ui-dist"}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class FileHandler(DashboardHandler):
    """One file, which the route names: no part of the path reaches the file system."""

    open_to_all = True

    def initialize(self, *, file: Path, **kwargs: Any) -> None:
        """Take the file."""
        self._take(**kwargs)
        self._file = file

    def get(self) -> None:
        """Answer with the file, or 304 if the browser has it."""
        self.set_header("Content-Type", TYPES[self._file.suffix])
        # a browser asks again each time, so that no page has the scripts of another version
        self.set_header("Cache-Control", "no-cache")
        self.send(self._file.read_bytes())


def routes(*, at_root: bool) -> Iterator[Route]:
    """Yield a route of each file, of the page also at `/` if wanted."""
    page = {"file": FOLDER / PAGE}
    for path in ("dashboard", *([""] if at_root else [])):
        yield Route(path, FileHandler, page, prefixed=False)
    for file in sorted(FOLDER.rglob("*")):
        if file.suffix in TYPES and file.name != PAGE and not _OF_DOCS & set(file.parts):
            path = f"dashboard/static/{file.relative_to(FOLDER).as_posix()}"
            yield Route(path, FileHandler, {"file": file}, prefixed=False)
