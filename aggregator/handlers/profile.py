"""Sampling profiler of the process at `/debug/pprof/`, as in the Go service; debug only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from ..errors import InvalidInput
from .base import ApiHandler

DEFAULT_SECONDS, MOST_SECONDS = 5.0, 60.0
RENDER_SECONDS = 30.0
# seconds between samples; a minute of samples is rendered in a second
INTERVAL_SECONDS = 0.002
FORMATS = {
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "speedscope": "application/json; charset=utf-8",
}
MISSING = "profiles need the package pyinstrument, which comes with the extra 'profile'"
BUSY = "another profile is being taken"
INDEX = """/debug/pprof/profile?seconds=5&format=text

A statistical profile of the event loop of the process that answers (server.workers: 1 makes it the
only one). seconds: up to 60; format: text, html or speedscope (for https://www.speedscope.app).
"""


class ProfileIndexHandler(ApiHandler):
    """The index of profiles."""

    def get(self) -> None:
        """Answer with the list."""
        self.set_header("Content-Type", FORMATS["text"])
        self.send(INDEX.encode())


class ProfileHandler(ApiHandler):
    """Samples the stack of the event loop's thread for some seconds."""

    taking: ClassVar[bool] = False

    async def get(self) -> None:
        """Answer with a profile; only one runs at a time."""
        seconds, form = self._seconds(), self._format()
        try:
            import pyinstrument
        except ImportError:
            self._refuse(HTTPStatus.NOT_IMPLEMENTED, MISSING)
            return
        if ProfileHandler.taking:
            self._refuse(HTTPStatus.CONFLICT, BUSY)
            return
        self.allow_seconds(seconds + RENDER_SECONDS)
        ProfileHandler.taking = True
        profiler = pyinstrument.Profiler(INTERVAL_SECONDS, async_mode="disabled")
        try:
            profiler.start()
            try:
                await asyncio.sleep(seconds)
            finally:
                profiler.stop()
            # the samples are complete; format them
            document = await asyncio.to_thread(_rendered, profiler, form)
        finally:
            ProfileHandler.taking = False
        self.set_header("Content-Type", FORMATS[form])
        self.set_header("X-Process-Id", str(os.getpid()))
        self.send(document.encode())

    def _seconds(self) -> float:
        text = self.get_query_argument("seconds", str(DEFAULT_SECONDS))
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0
        if not 0 < seconds <= MOST_SECONDS:
            raise InvalidInput(f"seconds: more than 0, up to {MOST_SECONDS:g} expected")
        return seconds

    def _format(self) -> str:
        form = self.get_query_argument("format", "text")
        if form not in FORMATS:
            raise InvalidInput(f"format: {', '.join(FORMATS)} expected")
        return form

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.set_status(status)
        self.ok(status=text)


def _rendered(profiler: Any, form: str) -> str:
    from pyinstrument.renderers import HTMLRenderer, SpeedscopeRenderer
    from pyinstrument.renderers.console import ConsoleRenderer

    renderers: dict[str, Callable[[], Any]] = {
        "text": lambda: ConsoleRenderer(unicode=True, color=False),
        "html": HTMLRenderer,
        "speedscope": SpeedscopeRenderer,
    }
    return str(profiler.output(renderers[form]()))
