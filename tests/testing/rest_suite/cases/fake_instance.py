"""A small, correct instance behind `responses`: routes, parameters, permissions, answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import requests
import responses

from testing.rest_suite.api import Session
from testing.rest_suite.case import (
    DELETE,
    DEPARTURES,
    READ,
    WRITE,
    Case,
    cases_of,
)
from testing.rest_suite.client import Client, Connection
from testing.rest_suite.contract import DEFAULT_PREFIX, JSON, OPERATIONS
from testing.rest_suite.credentials import (
    Bearer,
    Credentials,
    IdentityHeader,
    Nobody,
)
from testing.rest_suite.data import Claims, Inventory
from testing.rest_suite.probe import CONCEALING, Facts
from testing.rest_suite.runner import Run
from tests.mutation.middleware import (
    Answer,
    Middleware,
    Request,
    identified,
)
from tests.mutation.operators import Make

from .model import (
    OWN,
    Model,
    Refusal,
    inventory,
)
from .request_parameters import PARSERS, identity
from .responses_of_model import ANSWERS, OWNED

URL = "http://instance.test"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
# what is looked at in this order, where it is not the order of the path
ORDER: dict[str, tuple[str, ...]] = {
    "recommendations": ("user_id", "org_id"),
    "cluster_recommendations": ("user_id", "org_id"),
    "clusters_detail": ("org_id", "rule_selector", "user_id"),
    "namespace_workloads": ("org_id", "cluster", "namespace"),
}

Document = dict[str, Any]


class Instance:
    """The instance; `mutate` stands between it and those who ask about an operation (* for all)."""

    def __init__(
        self, operation: str, mutate: Middleware | None, *, auth: str = "", strict: bool = True
    ) -> None:
        self.model = Model()
        self.who: int | None = None
        self.auth = auth
        self.strict = strict
        self._operation = operation
        self._mutate = mutate

    def answer_at(self, mock: responses.RequestsMock) -> None:
        """Answer all requests that are sent in there."""
        for method in METHODS:
            mock.add_callback(method, re.compile(re.escape(URL)), self._respond)

    def _respond(self, sent: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        target = str(sent.url).removeprefix(URL)
        body = sent.body if isinstance(sent.body, bytes) else b"".join(sent.body or ())  # type: ignore[arg-type]
        request = identified(
            Request(str(sent.method), target, tuple(sent.headers.items()), body), DEFAULT_PREFIX
        )
        if self._mutate and self._operation in ("*", request.operation):
            answer = self._mutate(request, self.answer)
        else:
            answer = self.answer(request)
        return answer.status, dict(answer.headers), answer.body

    def answer(self, request: Request) -> Answer:
        """Answer as the contract says."""
        try:
            return self._routed(request)
        except Refusal as refusal:
            empty = Answer(refusal.status, (("Content-Type", JSON),), b"")
            return empty.with_json({"status": str(refusal)})

    def _routed(self, request: Request) -> Answer:
        if "//" in request.target:
            return Answer(301, (), b"")
        open_to_all = request.operation in ("metrics", "openapi") and "=" not in request.target
        others = [identified(replace(request, method=m), DEFAULT_PREFIX).operation for m in METHODS]
        slash = identified(replace(request, target=request.target.rstrip("/")), DEFAULT_PREFIX)
        self.who = who = None
        if (request.operation and not open_to_all) or (not any(others) and slash.operation):
            self.who = who = self._who(request)
        if request.operation:
            return self._operated(request, who)
        known = [OPERATIONS[name] for name in others if name]
        if request.method == "OPTIONS" and any(one.options for one in known):
            methods = sorted({one.method for one in known if one.options} | {"OPTIONS"})
            return Answer(200, (("Allow", ", ".join(methods)),), b"")
        if known:
            return Answer(405, (), b"")
        return Answer(404, (("Content-Type", "text/plain"),), b"404 page not found\n")

    def _who(self, request: Request) -> int | None:
        if self.auth == "xrh":
            return identity(request.header("x-rh-identity"))
        if self.auth:
            given = request.header("Authorization")
            if given and given != f"Bearer {self.auth}":
                raise Refusal(401, "Malformed authentication token")
            if not given:
                raise Refusal(401, "Missing auth token")
            return 101
        return None

    def _operated(self, request: Request, who: int | None) -> Answer:
        name, plain = request.operation, request.operation.removesuffix("_2020")
        if name in ("metrics", "openapi"):
            kind = "text/plain" if name == "metrics" else "application/json"
            text = b'{"openapi":"3.0.0","info":{},"paths":{}}' if name == "openapi" else b"x 1\n"
            return Answer(200, (("Content-Type", kind),), text)
        params: Document = dict(request.params)
        for key in ORDER.get(name, OPERATIONS[name].names):
            if key not in PARSERS or (plain, key) == ("rule", "rule_id"):
                continue
            # who votes is looked at after the cluster
            if plain not in OWNED or key in ("cluster", "rule_id"):
                params[key] = PARSERS[key](key, request.params[key])
            if plain not in OWNED and key in ("org_id", "organization"):
                self.permit(params[key], who, always=key == "organization")
        empty = Answer(200, (("Content-Type", JSON),), b"")
        return empty.with_json({"status": "ok", **ANSWERS[plain](self, request, params)})

    def permit(self, org: int, who: int | None, *, always: bool = True) -> None:
        """Refuse another organization's."""
        if who not in (None, org) and self.strict:
            raise Refusal(403, CONCEALING)
        if who not in (None, org) and always:
            raise Refusal(
                403, "you have no permissions to get or change info about the organization with "
                f"ID {org}; you can access info about organization with ID {who}",
            )  # fmt: skip


def collected(module: ModuleType) -> list[Case]:
    """Return the cases of a module."""
    return list(cases_of(module.__name__.rpartition(".")[2], vars(module)))


def outcome(
    case: Case,
    operation: str = "*",
    mutate: Middleware | None = None,
    *,
    auth: str = "",
    strict: bool = True,
    profile: str = DEPARTURES,
    debug: bool = True,
    known: Inventory | None = None,
) -> tuple[str, str]:
    """Run a case against a fresh instance; return what came of it, and why.

    `auth` is `xrh`, or the token that is taken; "" for an instance that asks nobody.
    """
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        Instance(operation, mutate, auth=auth, strict=strict).answer_at(mock)
        facts = Facts(
            profile=profile, debug=debug, authenticated=bool(auth), strict=bool(auth) and strict
        )
        who: Credentials = Nobody()
        if auth:
            who = IdentityHeader() if auth == "xrh" else Bearer(auth, OWN)
        allowed = frozenset({READ, WRITE, DELETE})
        session = Session(Client(Connection(URL)), who, facts, allowed)
        result = Run(session, known or inventory()).one(case, Claims())
    return result.outcome.value, result.reason


# an operation ("" for the value of the case) and what is wrong with its answers
Mutant = tuple[str, Make]


def trials(module: ModuleType, mutants: Mapping[str, Sequence[Mutant]]) -> list[Any]:
    """Return a parameter set (case, operation, make) for each way to be wrong of each case."""
    return [
        pytest.param(case, operation or case.arguments[0], make, id=f"{case.name}-{number}")
        for case in collected(module)
        for number, (operation, make) in enumerate(mutants.get(case.name) or mutants[base(case)])
    ]


def base(case: Case) -> str:
    """Return the name of a case without its value."""
    return case.name.partition("[")[0]
