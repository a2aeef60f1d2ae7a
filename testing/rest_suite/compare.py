"""The same requests to a second instance, and where its answers differ."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from .checks import CheckFailed, shown
from .client import Client, Exchange
from .probe import InstanceInfo
from .result import Outcome, Result

GROUP = "compare"
SKEW = timedelta(minutes=5)
SHOWN = 3
# the contract leaves the order of their lists open
UNORDERED = {
    "report",
    "recommendations",
    "cluster_recommendations",
    "disabled",
    "disabled_for_clusters",
    "reasons",
    "acks",
    "workloads",
    "workloads_by_body",
}
# what an instance says of itself differs by nature
OF_ITSELF = {"info", "metrics", "openapi"}
CHUNKED = ("Transfer-Encoding",)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two answers to one request, and what is different about them."""

    ours: Exchange
    theirs: Exchange
    details: tuple[str, ...]


@dataclass
class Comparison:
    """Sends each request to the other instance, too, and keeps what differs."""

    client: Client
    prefix: str
    other: InstanceInfo
    started: datetime = field(default_factory=lambda: datetime.now(UTC) - SKEW)
    asked: dict[str, int] = field(default_factory=dict)
    found: dict[str, list[Difference]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, exchange: Exchange, target: str, *, cleaning: bool) -> None:
        """Repeat a request; what cleans up is repeated, but not compared."""
        if target.startswith(self.prefix):
            target = self.other.prefix + target.removeprefix(self.prefix)
        theirs = self.client.send(
            exchange.operation,
            exchange.method,
            target,
            headers={k: v for k, v in exchange.request_headers.items() if k not in CHUNKED},
            body=exchange.request_body,
            chunked=any(name in exchange.request_headers for name in CHUNKED),
        )
        if not cleaning:
            details = tuple(self._differences(exchange, theirs))
            with self.lock:
                self._keep(Difference(exchange, theirs, details))

    def _keep(self, difference: Difference) -> None:
        name = difference.ours.operation
        self.asked[name] = self.asked.get(name, 0) + 1
        if difference.details:
            self.found.setdefault(name, []).append(difference)

    def results(self) -> list[Result]:
        """Return a result for each operation asked."""
        return [self._result(name) for name in sorted(self.asked)]

    def _result(self, name: str) -> Result:
        found = self.found.get(name, [])
        plain = Result(
            GROUP, name, f"{name} is answered as by {self.client.connection.url}", Outcome.PASSED
        )
        if not found:
            return plain
        lines = [
            f"{len(found)} of {self.asked[name]} answers differ; "
            f"A is {_origin(found[0].ours.url)}, B is {self.client.connection.url}"
        ]
        kinds = {difference.details: difference for difference in found}
        for difference in list(kinds.values())[:SHOWN]:
            request = f"{difference.ours.method} {difference.ours.url}"
            lines += [request, *(f"  {detail}" for detail in difference.details[:SHOWN])]
        pair = (found[0].ours, found[0].theirs)
        return replace(
            plain, outcome=Outcome.FAILED, reason="\n".join(lines), exchanges=pair, decisive=2
        )

    def _differences(self, ours: Exchange, theirs: Exchange) -> Iterator[str]:
        if ours.status != theirs.status:
            yield _both("status", ours.status or ours.error, theirs.status or theirs.error)
        kinds = (ours.headers.get("content-type"), theirs.headers.get("content-type"))
        if kinds[0] != kinds[1]:
            yield _both("Content-Type", *kinds)
        places = (self._location(ours, self.prefix), self._location(theirs, self.other.prefix))
        if places[0] != places[1]:
            yield _both("Location", *places)
        if ours.operation not in OF_ITSELF and ours.status == theirs.status:
            yield from self._bodies(ours, theirs)

    def _bodies(self, ours: Exchange, theirs: Exchange) -> Iterator[str]:
        """Yield how the documents of two answers with one status differ."""
        try:
            pair = ours.json, theirs.json
        except CheckFailed:
            if ours.body != theirs.body:
                yield _both("body", shown(ours.text), shown(theirs.text))
            return
        if ours.status == HTTPStatus.BAD_REQUEST and not _is_json(ours.request_body):
            # what is wrong with JSON, each parser says in its own words
            pair = _wordless(pair[0]), _wordless(pair[1])
        if ours.operation in UNORDERED:
            pair = self._ordered(pair[0]), self._ordered(pair[1])
        yield from self._unequal("", *pair)

    @staticmethod
    def _location(exchange: Exchange, prefix: str) -> str:
        """Return where an answer leads, below the prefix when it leads there."""
        return urlsplit(exchange.headers.get("location", "")).path.removeprefix(prefix)

    def _unequal(self, place: str, ours: Any, theirs: Any) -> Iterator[str]:
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for key in {**ours, **theirs}:
                name = f"{place}.{key}" if place else key
                if key not in ours or key not in theirs:
                    yield f"{name}: {'only in A' if key in ours else 'only in B'}"
                else:
                    yield from self._unequal(name, ours[key], theirs[key])
        elif isinstance(ours, list) and isinstance(theirs, list):
            if len(ours) != len(theirs):
                yield _both(place, f"{len(ours)} items", f"{len(theirs)} items")
            for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
                yield from self._unequal(f"{place}[{number}]", one, other)
        elif (type(ours), ours) != (type(theirs), theirs) and not self._of_now(ours, theirs):
            yield _both(place, shown(ours), shown(theirs))

    def _of_now(self, *values: Any) -> bool:
        """Say whether values are times of this run, which cannot be the same twice."""
        try:
            return all(datetime.fromisoformat(value) >= self.started for value in values)
        except (TypeError, ValueError):
            return False

    def _ordered(self, value: Any) -> Any:
        """Return a value with all its lists in one and the same order, whatever times of now."""
        if isinstance(value, dict):
            return {key: self._ordered(item) for key, item in value.items()}
        if isinstance(value, list):
            return sorted(map(self._ordered, value), key=lambda item: json.dumps(self._still(item)))
        return value

    def _still(self, value: Any) -> Any:
        """Return a value without times of this run."""
        if isinstance(value, dict):
            return {key: self._still(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [self._still(item) for item in value]
        return "now" if self._of_now(value) else value


def _both(what: str, ours: object, theirs: object) -> str:
    return f"{what}: A {ours}, B {theirs}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_json(body: bytes | None) -> bool:
    """Say whether a body is a JSON document; one that is absent is nothing to have words about."""
    try:
        json.loads(body or b"null")
    except ValueError:
        return False
    return True


def _wordless(document: Any) -> Any:
    """Return an error without its text."""
    return {**document, "status": ""} if isinstance(document, dict) else document
