"""Endpoints of `dev` that send and follow messages; a deployed service has none of them."""

from __future__ import annotations

from typing import Any

import orjson

from ..errors import Forbidden, InvalidInput, NotFound
from ..handlers.router import Route
from ..model import whole_number
from .base import DashboardHandler
from .recorder import Place
from .workbench import Workbench

# following a message waits for its outcome, and looks for its dead letter
FOLLOW_SECONDS = 30.0
MOST_OFFSET = 2**63 - 1


class WorkbenchHandler(DashboardHandler):
    """Base of these endpoints."""

    def initialize(self, *, workbench: Workbench, **kwargs: Any) -> None:
        """Take the workbench."""
        self._take(**kwargs)
        self.workbench = workbench

    def json_of_page(self) -> dict[str, Any]:
        """Return the body; raise Forbidden for what a page of another site could send.

        Browsers ask before they send JSON to another site, and the answer is no.
        """
        kind = self.request.headers.get("Content-Type", "").partition(";")[0]
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if kind.strip().lower() != "application/json" or site not in ("same-origin", "none"):
            raise Forbidden("a request with Content-Type application/json of this page expected")
        try:
            document = orjson.loads(self.incoming.read())
        except ValueError as error:
            raise InvalidInput(f"body: {error}") from error
        if not isinstance(document, dict):
            raise InvalidInput("body: an object expected")
        return document

    def sent(self, place: Place) -> None:
        """Answer with where a message is."""
        topic, partition, offset = place
        self.document({"topic": topic, "partition": partition, "offset": offset})

    def number(self, name: str) -> int:
        """Return a query argument that is a whole number; raise InvalidInput."""
        return _number(name, self.get_query_argument(name, ""))


class SamplesHandler(WorkbenchHandler):
    """Names and sizes of the sample messages."""

    def get(self) -> None:
        """Answer with the list, and with the kinds that can be sent."""
        samples = self.workbench.tools.samples.items()
        self.document(
            {
                "kinds": self.workbench.kinds,
                "samples": [{"name": name, "size": len(value)} for name, value in samples],
            }
        )


class SampleHandler(WorkbenchHandler):
    """One sample message."""

    def get(self) -> None:
        """Answer with its text."""
        name = self.get_query_argument("name", "")
        value = self.workbench.tools.samples.get(name)
        if value is None:
            raise NotFound.item(name)
        self.document({"name": name, "value": value.decode(errors="replace")})


class SendHandler(WorkbenchHandler):
    """Sends a message."""

    async def post(self) -> None:
        """Answer with where it is."""
        document = self.json_of_page()
        kind, value = document.get("kind"), document.get("value")
        if not isinstance(kind, str) or not isinstance(value, str):
            raise InvalidInput("body: texts `kind` and `value` expected")
        self.sent(await self.workbench.send(kind, value.encode()))


class WayHandler(WorkbenchHandler):
    """What became of a message."""

    async def get(self) -> None:
        """Answer with it, as soon as it is handled."""
        self.allow_seconds(FOLLOW_SECONDS)
        topic = self.get_query_argument("topic", "")
        place = (topic, self.number("partition"), self.number("offset"))
        self.document(await self.workbench.way(place))


class ReplayHandler(WorkbenchHandler):
    """Sends a dead letter to the topic that it came from."""

    async def post(self) -> None:
        """Answer with where it is now."""
        document = self.json_of_page()
        numbers = [_number(name, str(document.get(name))) for name in ("partition", "offset")]
        self.sent(await self.workbench.replay(*numbers))


def routes(workbench: Workbench) -> list[Route]:
    """Return the routes."""
    arguments = {"workbench": workbench}
    return [
        Route(f"dashboard/{path}", handler, arguments, prefixed=False)
        for path, handler in (
            ("samples", SamplesHandler),
            ("sample", SampleHandler),
            ("messages", SendHandler),
            ("message", WayHandler),
            ("replay", ReplayHandler),
        )
    ]


def _number(name: str, text: str) -> int:
    value = whole_number(text, MOST_OFFSET)
    if value is None:
        raise InvalidInput(f"{name}: a whole number expected, not {text!r}")
    return value
