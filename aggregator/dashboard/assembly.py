"""Constructs the dashboard of a process: recorder, status, listeners, routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..config.options import Config
from ..errors import Unavailable
from ..handlers.router import Route
from ..metrics import Metrics
from ..processes.ipc import FirstProcess, Processes
from . import static_files
from .about_page import AboutHandler
from .dependencies import Dependencies
from .events import EventsHandler, Hub
from .recorder import Recorder
from .status import IngestStatus, Status
from .tools import Tools

if TYPE_CHECKING:
    from .workbench import Workbench


class Dashboard:
    """The dashboard; only the first process has a status, the others ask it."""

    def __init__(self, config: Config, tools: Tools | None = None) -> None:
        self._config = config
        self._tools = tools
        self.recorder = Recorder(follow=tools is not None)
        self.hub = Hub(_not_connected)
        self._workbench = _workbench(config, tools, self.recorder) if tools else None
        self._status: Status | None = None

    def connect(
        self,
        metrics: Metrics,
        processes: Processes,
        ingest: IngestStatus,
        ask: dict[str, Callable[[], Awaitable[None]]],
    ) -> None:
        """Take what the status is composed of; `ask` checks dependencies, see Dependencies."""
        if isinstance(processes, FirstProcess):
            dependencies = Dependencies(self._config, ask)
            self._status = Status(
                self._config, metrics, processes, ingest, self.recorder, dependencies
            )
            processes.provide_status(self._status.document)
        self.hub = Hub(processes.status)

    def routes(self) -> list[Route]:
        """Return the routes, outside the prefix of the API."""
        return [
            *(_message_routes(self._workbench) if self._workbench else ()),
            *static_files.routes(at_root=self._tools is not None),
            Route(
                "dashboard/about.json",
                AboutHandler,
                {"writable": self._tools is not None},
                prefixed=False,
            ),
            Route("dashboard/events", EventsHandler, {"hub": self.hub}, prefixed=False),
        ]

    async def stop(self) -> None:
        """End all streams."""
        self.hub.close()
        if self._workbench is not None:
            await self._workbench.stop()
        if self._status is not None:
            await self._status.close()


def _workbench(config: Config, tools: Tools, recorder: Recorder) -> Workbench:
    # what only `dev` needs is imported there only
    from .workbench import Workbench

    return Workbench(config, tools, recorder)


def _message_routes(workbench: Workbench) -> list[Route]:
    from .messages import routes

    return routes(workbench)


async def _not_connected() -> str:
    raise Unavailable("the service has not started")
