"""Mutation operators: middleware that changes, delays, caches or swallows, some with state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .edits import Change, Where
from .middleware import (
    Answer,
    Forward,
    Middleware,
    Request,
)

JSON_HEADERS = (("Content-Type", "application/json; charset=utf-8"),)

Make = Callable[[], Middleware]


def changed(change: Change, when: Where = lambda answer: True) -> Make:
    """Change every answer that matches."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        return change(answer) if answer.status and when(answer) else answer

    return lambda: middleware


def slow(seconds: float) -> Make:
    """Delay every answer."""

    def middleware(request: Request, forward: Forward) -> Answer:
        answer = forward(request)
        time.sleep(seconds)
        # marks the answer as changed, so that the mutant counts as activated
        return answer.with_header("x-late", "1")

    return lambda: middleware


def swallowed(document: Callable[[Request], object]) -> Make:
    """Answer a write with success without forwarding it."""

    def middleware(request: Request, forward: Forward) -> Answer:
        return Answer(200, JSON_HEADERS, b"").with_json(document(request))

    return lambda: middleware


def redirected(change: Callable[[Request], Request]) -> Make:
    """Forward another request than the one received."""
    return lambda: lambda request, forward: forward(change(request))


def remembered() -> Middleware:
    """Repeat the answer to the first equal request: a cache without invalidation."""
    memory: dict[object, Answer] = {}
    lock = threading.Lock()

    def middleware(request: Request, forward: Forward) -> Answer:
        key = (request.method, request.target, request.body, request.header("x-rh-identity"))
        answer = forward(request)
        with lock:
            return memory.setdefault(key, answer)

    return middleware


def every(nth: int, change: Change) -> Make:
    """Change every nth answer only."""

    def make() -> Middleware:
        counter = iter(range(1, 1 << 60))

        def middleware(request: Request, forward: Forward) -> Answer:
            answer = forward(request)
            return change(answer) if next(counter) % nth == 0 else answer

        return middleware

    return make


def again(change: Change) -> Make:
    """Change the answer to a request that was sent before."""

    def make() -> Middleware:
        seen: set[object] = set()

        def middleware(request: Request, forward: Forward) -> Answer:
            answer, key = forward(request), (request.target, request.body)
            if key in seen:
                return change(answer)
            seen.add(key)
            return answer

        return middleware

    return make


def one_of(name: str, change: Change) -> Make:
    """Change the answers for one value of a parameter: the second one answered 200."""

    def make() -> Middleware:
        found: list[str] = []

        def middleware(request: Request, forward: Forward) -> Answer:
            answer, given = forward(request), request.params.get(name, "")
            if answer.status == 200 and given not in found:
                found.append(given)
            return change(answer) if found[1:2] == [given] else answer

        return middleware

    return make


def while_disabled(operation: str, change: Change) -> Make:
    """Change the answers of an operation for clusters that have a disabled rule."""

    def make() -> Middleware:
        disabled: set[str] = set()

        def middleware(request: Request, forward: Forward) -> Answer:
            answer = forward(request)
            if request.operation == "disable":
                disabled.add(request.params["cluster"])
            elif request.operation == "enable":
                disabled.discard(request.params["cluster"])
            named = request.params.get("cluster") in disabled
            concerned = named or any(name.encode() in answer.body for name in disabled)
            return change(answer) if concerned and request.operation == operation else answer

        return middleware

    return make
