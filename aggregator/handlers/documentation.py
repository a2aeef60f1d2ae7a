"""Documentation pages at `/docs`: OpenAPI viewer and topics, served as static files."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from .about import OpenApiHandler
from .router import Route

# no inline script, no inline style, nothing of another host; Swagger UI's icons are data URLs
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
STATIC = "dashboard/static/"
DASHBOARD = '<a href="/dashboard">Dashboard</a>'
# path below /docs/ and file in the package
FILES = {
    "static/docs.css": STATIC + "docs/docs.css",
    "static/icon.svg": STATIC + "icon.svg",
    "static/operations.js": STATIC + "docs/operations.js",
    "static/messages.js": STATIC + "docs/messages.js",
    "static/schema.js": STATIC + "docs/schema.js",
    "static/swagger-ui.css": STATIC + "vendor/swagger-ui-dist/swagger-ui.css",
    "static/swagger-ui-bundle.js": STATIC + "vendor/swagger-ui-dist/swagger-ui-bundle.js",
    "static/preact.mjs": STATIC + "vendor/preact/preact.mjs",
    "static/htm.mjs": STATIC + "vendor/htm/htm.mjs",
    "schemas/asyncapi.json": "schemas/asyncapi.json",
    "schemas/ocp_message.json": "schemas/ocp_message.json",
    "schemas/dvo_message.json": "schemas/dvo_message.json",
}


class FileHandler(OpenApiHandler):
    """A file of the package; open to whom the API description is open."""

    def initialize(self, *, file: str, **kwargs: Any) -> None:
        """Take the file's path in the package."""
        super().initialize(**kwargs)
        self._file = files("aggregator") / file
        self._type = TYPES["." + file.rpartition(".")[2]]

    async def get(self) -> None:
        """Answer with the file; a browser asks each time whether it has changed."""
        self.set_header("Content-Type", self._type)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("Referrer-Policy", "no-referrer")
        self.send(self.content())

    def content(self) -> bytes:
        """Return the file's bytes."""
        return self._file.read_bytes()


class PageHandler(FileHandler):
    """An HTML page, which is told the prefix of the API and whether there is a dashboard."""

    def content(self) -> bytes:
        """Return the page with what it is told filled in."""
        page = Template(self._file.read_text(encoding="utf-8"))
        return page.substitute(
            prefix=escape(self.server.api_prefix),
            dashboard=DASHBOARD if self.server.dashboard else "",
        ).encode()


def documentation() -> list[Route]:
    """Return the routes of the pages and of the files that they load."""
    pages = {"docs": "operations.html", "docs/messages": "messages.html"}
    return [
        Route(path, PageHandler, {"file": f"{STATIC}docs/{page}"}, prefixed=False)
        for path, page in pages.items()
    ] + [
        Route(f"docs/{path}", FileHandler, {"file": file}, prefixed=False)
        for path, file in FILES.items()
    ]
