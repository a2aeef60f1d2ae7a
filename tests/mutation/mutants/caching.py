"""Mutants of caches, entity tags, counters and text limits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from .. import edits
from ..middleware import (
    Answer,
    Forward,
    Middleware,
    Mutant,
    Request,
)
from ..operators import Make, remembered

STATEFUL = (
    "report", "rule", "get_vote", "disabled", "disabled_for_clusters", "disabled_clusters",
    "reasons", "ack", "acks", "rating",
)  # fmt: skip
CACHED_SECONDS = 0.5
TEXTS = {
    "disable_feedback": "message",
    "ack_disable": "justification",
    "ack_update": "justification",
}
TAG = '"once"'


def caches() -> Iterator[Mutant]:
    """Yield caches invalidated too late, and wrong entity tags, counters and text limits."""
    for operation in STATEFUL:
        yield Mutant(
            f"{operation}: stale", "stale", (operation,), remembered, frozenset({"writes"})
        )
        yield _one(f"{operation}: one change behind", operation, behind, "writes")
        yield _one(f"{operation}: cached for a moment", operation, cached, "writes")
    for operation in ("report", "acks", "disabled"):
        yield _one(f"{operation}: one ETag", operation, lambda: tagged, "writes", "departures")
    yield _one("metrics: frozen", "metrics", remembered)
    for operation, name in TEXTS.items():
        yield _one(f"{operation}: limit in characters", operation, _measured(name), "writes")
    yield _one("redirects lead to another host", "*", lambda: abroad)
    yield _one("X-Content-Type-Options of unknown paths", "*", lambda: guessed)


def _one(name: str, operation: str, make: Make, *needs: str) -> Mutant:
    return Mutant(name, "cache", (operation,), make, frozenset(needs))


def _key(request: Request) -> object:
    who = (request.header("x-rh-identity"), request.header("Authorization"))
    return request.method, request.target, request.body, who


def behind() -> Middleware:
    """Return the answer from before the last change."""
    known: dict[object, Answer] = {}
    lock = threading.Lock()

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        with lock:
            before = known.get(_key(request), answer)
            known[_key(request)] = answer
        return before

    return middleware


def cached() -> Middleware:
    """Return the answer cached for CACHED_SECONDS."""
    known: dict[object, tuple[float, Answer]] = {}
    lock = threading.Lock()

    def middleware(request: Request, forward: Forward) -> Answer:
        now = time.monotonic()
        with lock:
            moment, answer = known.get(_key(request), (0.0, None))
        if answer is not None and now - moment < CACHED_SECONDS:
            return answer
        answer = forward(request)
        with lock:
            known[_key(request)] = now, answer
        return answer

    return middleware


def tagged(request: Request, forward: Forward) -> Answer:
    """Answer 304 to every conditional request."""
    answer = forward(request.with_headers(if_none_match=""))
    if answer.status != 200 or request.method != "GET":
        return answer
    if request.header("If-None-Match") == TAG:
        answer = replace(answer, status=304, body=b"")
    return answer.with_header("ETag", TAG)


def _measured(name: str) -> Make:
    """Let texts be as long as the limit in characters; keep what fits of them."""

    def middleware(request: Request, forward: Forward) -> Answer:
        try:
            document = json.loads(request.body)
            text = document[name]
            plain = text.encode("ascii", "replace").decode()
        except (ValueError, KeyError, TypeError, AttributeError):
            return forward(request)
        if plain == text or forward(request).status == 200:
            return forward(request)
        shorter = json.dumps({**document, name: plain}).encode()
        answer = forward(replace(request, body=shorter))
        return edits.at(name, edits.value(text))(answer)

    return lambda: middleware


def abroad(request: Request, forward: Forward) -> Answer:
    """Redirect to the right path of another host."""
    answer = forward(request)
    places = [value for name, value in answer.headers if name.lower() == "location"]
    return answer.with_header("Location", f"http://abroad.test{places[0]}") if places else answer


def guessed(request: Request, forward: Forward) -> Answer:
    """Let browsers guess what unknown paths answer."""
    answer = forward(request)
    if answer.status != 404 or request.operation:
        return answer
    return answer.with_header("X-Content-Type-Options", None)
