"""The API as one case sees it: calls by operation, demands on answers, writes taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema_rs

from . import schemas
from .case import (
    DELETE,
    READ,
    REFERENCE_2020,
    WRITE,
)
from .checks import (
    CheckFailed,
    Skipped,
    check,
    equal,
)
from .client import Client, Exchange
from .compare import Comparison
from .contract import (
    JSON,
    METRICS_TEXT,
    OPERATIONS,
    Operation,
)
from .credentials import Credentials
from .pace import Pace
from .probe import InstanceInfo

NOTHING = object()
# a request refused so has written nothing
REFUSED = (400, 401, 403, 404, 405)
OF_ORGANIZATION = ("org_id", "organization", "organizations")

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """What all cases of a run share; `mirror` sees each exchange (for --compare)."""

    client: Client
    credentials: Credentials
    instance: InstanceInfo
    allowed: frozenset[int] = frozenset({READ})
    mirror: Comparison | None = None
    pace: Pace = field(default_factory=Pace)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the profile of the instance, and that of the one it is compared with."""
        mine = self.instance.profile
        return (mine, self.mirror.other.profile) if self.mirror else (mine,)


class Api:
    """Calls operations of the contract, and takes back what was written when the case ends."""

    def __init__(self, session: Session) -> None:
        self.instance = session.instance
        self.exchanges: list[Exchange] = []
        self.known: list[str] = []
        self._session = session
        self._undo: dict[Key, Callable[[], object]] = {}
        self._cleaning = False

    @property
    def organization(self) -> int | None:
        """Return the only organization that may be asked about, None when any may."""
        return self._session.credentials.organization

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the profile of the instance, and that of the one it is compared with."""
        return self._session.profiles

    def ok(self, operation: str, **arguments: Any) -> Any:
        """Call, demand a 200 that fits the contract, and return its JSON (metrics: its text)."""
        exchange = self.call(operation, **arguments)
        demand_ok(OPERATIONS[operation], exchange, self.instance.profile)
        return exchange.text if OPERATIONS[operation].content == METRICS_TEXT else exchange.json

    def refused(
        self, status: int, operation: str, text: str | None = None, **arguments: Any
    ) -> Exchange:
        """Call and demand this status with `{"status": text}` and nothing else."""
        exchange = self.call(operation, **arguments)
        demand_refusal(exchange, status, text)
        return exchange

    def call(
        self,
        operation: str,
        *,
        body: object = NOTHING,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        chunked: bool = False,
        as_organization: int | None = None,
        anonymous: bool = False,
        **values: Any,
    ) -> Exchange:
        """Call an operation, demanding nothing but an answer.

        `body` is sent as JSON, bytes as they are; `values` are the parameters of the path;
        `headers` replace those of the identity, `anonymous` leaves them away.
        """
        called = OPERATIONS[operation]
        self._demand_permission(called)
        target = called.target(values)
        identity: Mapping[str, str] = {}
        if not anonymous:
            about = as_organization or _organization(values)
            identity = self._session.credentials.headers(about)
        new = called.undo and self._remember(OPERATIONS[called.undo], values, as_organization)
        exchange = self._send(
            called.name,
            method or called.method,
            self.instance.prefix + target,
            {**identity, **(headers or {})},
            body,
            chunked,
        )
        if exchange.status == 200 and method in (None, called.method):
            self._undo.pop(_key(called, values), None)
        if new and exchange.status in REFUSED:
            self._undo.pop(new, None)
        return exchange

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: object = NOTHING,
        headers: Mapping[str, str] | None = None,
        as_organization: int | None = None,
        anonymous: bool = False,
    ) -> Exchange:
        """Send to a path that is no operation: after the prefix, or from the root when it has /."""
        identity = {} if anonymous else self._session.credentials.headers(as_organization)
        target = path if path.startswith("/") else self.instance.prefix + path
        return self._send("raw", method, target, {**identity, **(headers or {})}, body, False)

    def known_defect(self, text: str) -> None:
        """Report a known defect of the service of this profile, which fails nobody."""
        self.known.append(text)

    def later(self, action: Callable[[], object]) -> None:
        """Do this when the case ends, however it ends."""
        self._undo[("later", len(self._undo), id(action))] = action

    def clean_up(self) -> list[str]:
        """Take back what was written, the last first; return what went wrong with that."""
        self._cleaning = True
        problems = []
        while self._undo:
            _, action = self._undo.popitem()
            try:
                action()
            except Skipped:
                # what this instance does not have was not written either
                continue
            except Exception as error:
                problems.append(f"clean-up: {error}")
        return problems

    def _send(
        self,
        name: str,
        method: str,
        target: str,
        headers: dict[str, str],
        body: object,
        chunked: bool,
    ) -> Exchange:
        if not self._cleaning and (reason := self._session.pace.left(name)):
            raise Skipped(f"{name} is slow and not asked any more: {reason}")
        content = None
        if body is not NOTHING:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **headers}
        exchange = self._session.client.send(
            name, method, target, headers=headers, body=content, chunked=chunked
        )
        self.exchanges.append(exchange)
        self._session.pace.note(name, exchange.seconds)
        if self._session.mirror:
            self._session.mirror(exchange, target, cleaning=self._cleaning)
        check(not exchange.error, f"{method} {exchange.url}: {exchange.error}")
        return exchange

    def _demand_permission(self, called: Operation) -> None:
        for profile in self._session.profiles:
            if profile not in called.profiles:
                raise Skipped(f"{called.name} does not exist in profile {profile}")
        if called.debug and not self.instance.debug:
            raise Skipped(f"{called.name} exists with debug = true only")
        if called.kind not in self._session.allowed:
            option = {WRITE: "--allow-writes", DELETE: "--allow-deletes"}[called.kind]
            raise Skipped(f"{called.name} needs {option}")

    def _remember(self, undo: Operation, values: dict[str, Any], who: int | None) -> Key | None:
        """Note how to take a write back, before it is sent: it may arrive without an answer.

        Returns the note's key, None when there was one already.
        """
        key = _key(undo, values)
        if key in self._undo:
            return None

        def take_back() -> None:
            exchange = self.call(undo.name, as_organization=who, **values)
            # what a deleted cluster had went with it
            check(exchange.status in (200, 404), f"{exchange.place}, not taken back")

        self._undo[key] = take_back
        return key


def _key(operation: Operation, values: Mapping[str, object]) -> Key:
    """Return what makes two calls of an operation the same."""
    return (operation.name, *(str(values.get(name)) for name in operation.names))


def _organization(values: Mapping[str, object]) -> int | None:
    """Return the organization that a path names, None when that is none or an improper one."""
    for name in OF_ORGANIZATION:
        text = str(values.get(name, ""))
        if text.isascii() and text.isdigit() and 0 < int(text) <= 4294967295:
            return int(text)
    return None


def demand_ok(operation: Operation, exchange: Exchange, profile: str) -> None:
    """Fail the case unless it is a 200 as the contract shows it."""
    if exchange.status != 200:
        raise CheckFailed(f"{exchange.place}, expected 200: {exchange.text[:300]}")
    kind = exchange.headers.get("content-type", "")
    if operation.content == METRICS_TEXT:
        check(kind.startswith(METRICS_TEXT), f"{exchange.place}: Content-Type is {kind!r}")
        return
    equal(kind, operation.content, f"{exchange.place}: Content-Type")
    answer = operation.answer
    if operation.name == "report" and profile == REFERENCE_2020:
        answer = schemas.REPORT_2020
    _fits(json.dumps(answer), exchange)


def demand_refusal(exchange: Exchange, status: int, text: str | None = None) -> None:
    """Fail the case unless it is this refusal, in the form that all of them have."""
    if exchange.status != status:
        raise CheckFailed(f"{exchange.place}, expected {status}: {exchange.text[:300]}")
    equal(exchange.headers.get("content-type"), JSON, f"{exchange.place}: Content-Type")
    _fits(json.dumps(schemas.ERROR), exchange)
    if text is not None:
        equal(exchange.json["status"], text, f"{exchange.place}: status")


def _fits(schema: str, exchange: Exchange) -> None:
    document = exchange.json
    for error in _validator(schema).iter_errors(document):
        where = ".".join(map(str, error.instance_path)) or "the answer"
        raise CheckFailed(f"{exchange.place}: {where}: {error.message[:300]}")


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema))
