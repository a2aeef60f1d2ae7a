"""Handlers of main endpoint, info, metrics, OpenAPI, liveness, readiness, 404, 405 and OPTIONS."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPServerRequest

from ..errors import AggregatorError, Unavailable
from ..metrics import CONTENT_TYPE
from . import rendering
from .base import ApiHandler

# a probe shall be answered with the reason, rather than time out
CHECK_SECONDS = 5.0


class MainHandler(ApiHandler):
    """The main endpoint: answers 200 without accessing the storage."""

    def get(self) -> None:
        """Answer 200."""
        self.ok()


class InfoHandler(ApiHandler):
    """Build and schema versions, read once at start."""

    def get(self) -> None:
        """Answer with the versions."""
        self.ok(info=dict(sorted(self.context.info.items())))


class MetricsHandler(ApiHandler):
    """Prometheus metrics. A token is needed when the query is not empty (contract rest-api 1.5)."""

    traced = False

    @classmethod
    def is_open(cls, request: HTTPServerRequest) -> bool:
        """Open the page to scrapers, which have no identity."""
        return not request.query

    async def get(self) -> None:
        """Answer in Prometheus' text format."""
        self.set_header("Content-Type", CONTENT_TYPE)
        await self.send_parts(rendering.in_pieces(await self.context.instance.scrape()))


class OpenApiHandler(MetricsHandler):
    """The description of this API."""

    async def get(self) -> None:
        """Answer with the file."""
        self.set_header("Content-Type", "application/json")
        await self.send_parts(rendering.in_pieces(self.context.openapi))


class LiveHandler(ApiHandler):
    """Liveness: the event loop runs."""

    open_to_all = True
    traced = False

    def get(self) -> None:
        """Answer at once."""
        self.ok()


class ReadyHandler(ApiHandler):
    """Readiness: database and schema usable, consumer running or disabled (departure 26)."""

    open_to_all = True
    traced = False

    async def get(self) -> None:
        """Answer 200, or 503 with what is missing."""
        missing = await self.context.instance.readiness()
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.storage.health.check()
        except TimeoutError:
            missing = missing or f"database: no answer in {CHECK_SECONDS:g} s"
        except Unavailable as error:
            missing = str(error)
        if missing:
            self.set_status(HTTPStatus.SERVICE_UNAVAILABLE)
            self.ok(status=missing)
        else:
            self.ok()


class NotFoundHandler(ApiHandler):
    """Unknown paths: 404 in plain text, as the Go service."""

    open_to_all = True

    def prepare(self) -> None:
        """Answer 404; not counted and not logged, as there is no route."""
        self.set_status(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("404 page not found\n")

    def on_finish(self) -> None:
        """Count nothing."""


class MethodNotAllowed(NotFoundHandler):
    """A known path with an unsupported method: 405 with an empty body."""

    def prepare(self) -> None:
        """Answer 405."""
        self.set_status(HTTPStatus.METHOD_NOT_ALLOWED)
        self.clear_header("Content-Type")
        self.finish()


class OptionsHandler(NotFoundHandler):
    """OPTIONS: returns the allowed methods (departure 16)."""

    def initialize(self, *, allow: str, **kwargs: Any) -> None:
        """Take the methods of the path."""
        super().initialize(**kwargs)
        self._allow = allow

    def prepare(self) -> None:
        """Answer 200."""
        if self._allow:
            self.set_header("Allow", self._allow)
        self.clear_header("Content-Type")
        self.finish()


class RedirectHandler(NotFoundHandler):
    """301 to the canonical path; only redirects of slashes need a token."""

    def initialize(self, *, location: str, text: str, free: bool, **kwargs: Any) -> None:
        """Set the target and the body."""
        super().initialize(**kwargs)
        self._location, self._text, self._free = location, text, free

    def prepare(self) -> None:
        """Answer 301."""
        authenticator = self.context.authenticator
        if authenticator is not None and not self._free:
            self.identity = authenticator.identify(self.request.headers)
        self.set_status(HTTPStatus.MOVED_PERMANENTLY)
        self.set_header("Location", self._location)
        if self._text:
            self.set_header("Content-Type", "text/html; charset=utf-8")
        else:
            self.clear_header("Content-Type")
        self.finish(self._text)


class RefusalHandler(ApiHandler):
    """Answers a request that is rejected before its body is read."""

    def initialize(self, *, error: AggregatorError, **kwargs: Any) -> None:
        """Set the error."""
        super().initialize(**kwargs)
        self._error = error

    def prepare(self) -> None:
        """Raise the error, after the check of the token."""
        super().prepare()
        raise self._error


def without_debug(document: bytes) -> bytes:
    """Return the API description without the operations tagged `debug`."""
    description = json.loads(document)
    for path, operations in list(description["paths"].items()):
        for method, operation in list(operations.items()):
            if isinstance(operation, dict) and "debug" in operation.get("tags", ()):
                del operations[method]
        if not any(isinstance(value, dict) for value in operations.values()):
            del description["paths"][path]
    return json.dumps(description).encode()
