"""Base class of the API handlers: parameters, responses, error translation, permissions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from .. import request_id
from ..config.options import Config, ServerConfig
from ..errors import (
    AggregatorError,
    Forbidden,
    InvalidInput,
    NotFound,
    RecordRejected,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from ..metrics import Metrics
from ..model import (
    ClusterId,
    ErrorKey,
    Namespace,
    OrgId,
    RuleHit,
    RuleId,
    RuleSelector,
    UserId,
    well_formed,
)
from ..parts import Parts, turn
from ..storage import Storage
from . import body, rendering, times
from .answers import Answer, Answers
from .auth import Authenticator, Identity
from .incoming import Body
from .params import PARAMS

if TYPE_CHECKING:
    from ..tracing import Tracing

log = logging.getLogger(__name__)

T = TypeVar("T")

STATUS: dict[type[AggregatorError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    RecordRejected: HTTPStatus.BAD_REQUEST,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
# text for clients in place of a database error
PHRASE_ONLY = (RecordRejected, Unavailable)
RETRY_AFTER_SECONDS = "5"
SHORT_BODY, LONGEST_ESCAPE = 64 * 1024, len("\\u0000")
DEFAULT_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}


class Instance(Protocol):
    """The service instance, which may have several processes."""

    async def readiness(self) -> str:
        """Return why ingest is not running; empty if it runs or is disabled."""

    async def scrape(self) -> bytes:
        """Return the metrics in Prometheus' text format."""


@dataclass(frozen=True, slots=True)
class Context:
    """Dependencies of all handlers, built once by the composition root."""

    config: Config
    storage: Storage
    metrics: Metrics
    authenticator: Authenticator | None
    info: Mapping[str, str]
    openapi: bytes
    instance: Instance
    tracing: Tracing | None = None
    answers: Answers = field(default_factory=Answers)


class ApiHandler(RequestHandler):
    """Base of the handlers below the API prefix."""

    open_to_all = False
    # whether requests have a span
    traced = True
    # True: the body is a list of names; others are short texts, or ignored
    lists_names = False

    @classmethod
    def most_body(cls, server: ServerConfig) -> int:
        """Return how many bytes the body of a request may have."""
        if cls.lists_names:
            return server.maximum_body_size
        # each byte of a text may be written as an escape
        text = SHORT_BODY + LONGEST_ESCAPE * server.maximum_feedback_message_length
        return min(text, server.maximum_body_size)

    @classmethod
    def is_open(cls, _request: HTTPServerRequest) -> bool:
        """Return True if the request needs no token."""
        return cls.open_to_all

    def _take(
        self, context: Context, params: Mapping[str, str], template: str, incoming: Body
    ) -> None:
        """Set the router's match: raw parameters by name, and the route's template."""
        self.context = context
        self.storage = context.storage
        self.server = context.config.server
        self.raw_params = params
        self.template = template
        self.incoming = incoming
        self.identity: Identity | None = None
        self._late = False
        self._timer: asyncio.TimerHandle | None = None
        self._answer: Answer | None = None

    # subclasses take more
    initialize: Callable[..., None] = _take

    def clear(self) -> None:
        """Reset to an empty JSON response without a `Server` header.

        Tornado's own method formats the date for each request and adds `Server`.
        """
        self._headers = HTTPHeaders(DEFAULT_HEADERS)
        self._headers["Date"] = times.now_in_header()
        self._headers[request_id.HEADER] = request_id.current()
        self._write_buffer = []
        self._status_code = HTTPStatus.OK.value
        self._reason = HTTPStatus.OK.phrase

    def prepare(self) -> None:
        """Count and log the request, start its timeout, authenticate."""
        self.context.metrics.request_started(self.template)
        log.info("Request received - URI: %s, Method: %s", self.request.uri, self.request.method)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.server.request_timeout, self._time_out)
        authenticator = self.context.authenticator
        if authenticator is not None and not self.is_open(self.request):
            self.identity = authenticator.identify(self.request.headers)

    def allow_seconds(self, seconds: float) -> None:
        """Override `server.request_timeout` for this request."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_out)

    def cancel_timeout(self) -> None:
        """Let this request take any time."""
        if self._timer is not None:
            self._timer.cancel()

    def _time_out(self) -> None:
        if not self._finished:
            self._late = True
            log.warning("request timed out: %s", self.request.uri)
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)

    def on_finish(self) -> None:
        """Cancel the timeout and count the response."""
        self.incoming.release()
        if self._answer is not None:
            self._answer.release()
        self.cancel_timeout()
        self.context.metrics.request_finished(
            self.template, self.get_status(), self.request.request_time()
        )

    def _param(self, name: str) -> Any:
        return PARAMS[name](self.raw_params[name])

    def cluster(self) -> ClusterId:
        """Return parameter `cluster`."""
        value: ClusterId = self._param("cluster")
        return value

    def rule_id(self) -> RuleId:
        """Return parameter `rule_id`."""
        value: RuleId = self._param("rule_id")
        return value

    def error_key(self) -> ErrorKey:
        """Return parameter `error_key`."""
        value: ErrorKey = self._param("error_key")
        return value

    def rule_hit(self) -> RuleHit:
        """Return parameters `cluster`, `rule_id` and `error_key`, checked in this order."""
        return RuleHit(self.cluster(), self.rule_id(), self.error_key())

    def user_id(self) -> UserId:
        """Return parameter `user_id`."""
        value: UserId = self._param("user_id")
        return value

    def selector(self) -> RuleSelector:
        """Return parameter `rule_selector`."""
        value: RuleSelector = self._param("rule_selector")
        return value

    def namespace(self) -> Namespace:
        """Return parameter `namespace`."""
        value: Namespace = self._param("namespace")
        return value

    def org_id(self) -> OrgId:
        """Return parameter `org_id`; raise Forbidden for another organization's (departure 17)."""
        value: OrgId = self._param("org_id")
        if self.server.organization_check == "strict":
            self.permit(value)
        return value

    def organization(self) -> OrgId:
        """Return parameter `organization`, which the Go service compares, too."""
        value: OrgId = self._param("organization")
        self.permit(value)
        return value

    def permit(self, org: OrgId) -> None:
        """Raise Forbidden unless the token, if one is needed, belongs to the organization."""
        _permit(self.identity, org, self.server)

    @staticmethod
    def permit_path(server: ServerConfig, params: Mapping[str, str], identity: Identity) -> None:
        """Raise Forbidden when the path names another organization than the token's."""
        names = ("organization", "org_id") if server.organization_check == "strict" else ()
        for name in names:
            if name in params:
                org: OrgId = PARAMS[name](params[name])  # type: ignore[assignment]
                _permit(identity, org, server)

    def writer(self) -> OrgId | None:
        """Return the only organization whose clusters this request may change; None: any."""
        return None if self.identity is None else self.identity.org

    def permit_owner(self, owner: OrgId) -> None:
        """Raise Forbidden unless the token belongs to the cluster's owner."""
        _permit(self.identity, owner, self.server)

    async def owned(self, cluster: ClusterId) -> OrgId:
        """Return the owner; raise NotFound without one, or if the request may not see it."""
        owner = await self.storage.orgs.owner(cluster)
        scope = self.scope()
        if scope is not None and scope != owner:
            raise NotFound.item(cluster)
        return owner

    def scope(self) -> OrgId | None:
        """Return the organization that this request is limited to; None: no limit."""
        strict = self.server.organization_check == "strict"
        return self.identity.org if strict and self.identity is not None else None

    async def json_body(self, *, required: bool = True) -> Any:
        """Return the body as JSON with case-folded names, None when there may be none.

        The event loop runs while a long one is read.
        """
        raw = self.incoming.read()
        if len(raw) <= body.SURELY_QUICK:
            return body.parse(raw) if required or raw.strip() else None
        self.incoming.drop()
        reading = body.parse_in_steps(raw, required=required)
        # the bytes are freed as soon as they are text
        del raw
        while True:
            try:
                next(reading)
            except StopIteration as ended:
                return ended.value
            await turn()

    async def message(self, name: str, *, required: bool) -> str:
        """Return text `name` of the body, within the configured length."""
        text = body.field_text(await self.json_body(required=required), name)
        return body.limited(name, text, self.server.maximum_feedback_message_length)

    def ok(self, **payload: Any) -> None:
        """Answer 200 with the payload and the status `ok`, unless it names another one."""
        if not self.storage.persistent:
            payload = {
                name: None if isinstance(value, list | dict) and not value else value
                for name, value in payload.items()
            }
        self.send(rendering.render({"status": "ok", **payload}))

    async def ok_listed(
        self, name: str, items: Parts[T], document: Callable[[T], Any], *, empty: bytes = b"[]"
    ) -> None:
        """Answer 200 with the documents of the items as the list `name`."""
        empty = empty if self.storage.persistent else b"null"
        before, after = rendering.around(name)
        await self.send_parts(rendering.listed(before, items, document, after, empty=empty))

    async def send_parts(self, parts: AsyncGenerator[bytes, None]) -> None:
        """Answer with the document that the parts make up, once all of them are there.

        While they are produced, and between the pieces of a long answer, the event loop does other
        work.
        """
        answer = self._answer = Answer(self.context.answers)
        async with aclosing(parts):
            async for part in parts:
                if self._late:
                    return
                answer.add(part)
        if answer.is_short:
            self.send(answer.whole())
        elif self._is_in_time():
            await self._send_long(answer)

    def send(self, document: bytes) -> None:
        """Write the document, unless the request has timed out."""
        if self._is_in_time():
            self.finish(document)

    def _is_in_time(self) -> bool:
        """Return False if the request has timed out.

        The timer cannot fire while the handler does not await, so compare the clock.
        """
        if self._timer is not None and self._timer.when() < asyncio.get_running_loop().time():
            self._time_out()
        return not self._late

    async def _send_long(self, answer: Answer) -> None:
        # from here on the connection limits the time that the client takes
        self.cancel_timeout()
        if self.request.method == "GET":
            self.set_header("Etag", answer.etag())
            if self.check_etag_header():
                self.set_status(HTTPStatus.NOT_MODIFIED)
                self.finish()
                return
        else:
            answer.etag()
        self.set_header("Content-Length", str(answer.size))
        try:
            for piece in answer.pieces():
                self.write(piece)
                await self.flush()
                # a client that reads quickly makes nobody wait
                await turn()
        except StreamClosedError:
            log.debug("%s: the client has closed the connection", self.request.uri)
        self.finish()

    def check_etag_header(self) -> bool:
        """Return True if the client has this answer already.

        Without `If-None-Match` this spares Tornado's search for tags, 1 us a request.
        """
        return "If-None-Match" in self.request.headers and super().check_etag_header()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Translate an exception into status and text; the only place that does so."""
        error = kwargs.get("exc_info", (None, None))[1]
        text = HTTPStatus(status_code).phrase
        if isinstance(error, AggregatorError):
            status = STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
            shown = type(error) in STATUS and not isinstance(error, PHRASE_ONLY)
            text = str(error) if shown else status.phrase
            self.set_status(status)
        if self.get_status() == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", RETRY_AFTER_SECONDS)
        self.finish(rendering.render({"status": well_formed(text)}))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Log client errors as one line, unexpected ones with a traceback."""
        if isinstance(value, Unavailable | RecordRejected):
            log.error("%s: %s", self.request.uri, value)
        elif isinstance(value, AggregatorError | HTTPError):
            log.debug("%s: %s", self.request.uri, value)
        else:
            log.error("%s: unexpected error", self.request.uri, exc_info=value)


def _permit(identity: Identity | None, org: OrgId, server: ServerConfig) -> None:
    if identity is None or identity.org == org:
        return
    if server.organization_check == "strict":
        raise Forbidden("you have no permissions to get or change info about this organization")
    raise Forbidden(
        "you have no permissions to get or change info about the organization with ID "
        f"{org}; you can access info about organization with ID {identity.org}"
    )
