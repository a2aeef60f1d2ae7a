"""Request, answer, mutant: the types of the middleware between client and instance."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from testing.rest_suite.contract import OPERATIONS

Headers = tuple[tuple[str, str], ...]


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", template)
    fixed, names = parts[::2], parts[1::2]
    groups = [f"(?P<{name}>[^/]+)" for name in names] + [""]
    return re.compile("".join(re.escape(a) + b for a, b in zip(fixed, groups, strict=True)))


_PATTERNS = tuple((operation, _pattern(operation.path)) for operation in OPERATIONS.values())


@dataclass(frozen=True, slots=True)
class Request:
    """A received request; `operation` is "" if it is not one of the API."""

    method: str
    target: str
    headers: Headers
    body: bytes
    operation: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "/"

    def header(self, name: str) -> str:
        """Return a header, "" when it is absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def with_params(self, **params: str) -> Request:
        """Return the request for other parameters of its path."""
        merged = {**self.params, **params}
        path = OPERATIONS[self.operation].target(merged)
        return replace(self, target=self.prefix + path, params=merged)

    def as_operation(self, name: str) -> Request:
        """Return the request for another operation, which takes parameters of the same names."""
        other = OPERATIONS[name]
        target = self.prefix + other.target(self.params)
        return replace(self, operation=name, method=other.method, target=target)

    def with_headers(self, **headers: str) -> Request:
        """Return the request with headers set; underscores stand for dashes."""
        given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in given)
        return replace(self, headers=(*kept, *given.items()))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its body decompressed; status 0 is a closed connection."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON, None when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def with_json(self, document: object) -> Answer:
        """Return the answer with another document, written compactly and with a line feed."""
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        return replace(self, body=text.encode() + b"\n")

    def with_header(self, name: str, value: str | None) -> Answer:
        """Return the answer with a header replaced, or without it."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


Forward = Callable[[Request], Answer]
Middleware = Callable[[Request, Forward], Answer]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault of an instance.

    `make` returns a middleware with new state; `needs` names what the run must have to activate
    it: writes, auth, departures.
    """

    name: str
    kind: str
    operations: Sequence[str]
    make: Callable[[], Middleware]
    needs: frozenset[str] = frozenset()


def identified(request: Request, prefix: str) -> Request:
    """Return the request with the operation it is for, and the parameters of its path."""
    path = unquote(request.target.partition("?")[0], errors="replace")
    for operation, pattern in _PATTERNS if path.startswith(prefix) else ():
        match = pattern.fullmatch(path, len(prefix))
        if match and operation.method == request.method:
            params = match.groupdict()
            return replace(request, operation=operation.name, params=params, prefix=prefix)
    return replace(request, prefix=prefix)
