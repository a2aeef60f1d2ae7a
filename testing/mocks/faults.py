"""Error injection: queues errors for the next calls of a method."""

from __future__ import annotations

from collections import defaultdict, deque


class Faults:
    """Errors for the next calls of a method, one each."""

    def __init__(self, *methods: str) -> None:
        self._methods = methods
        self._waiting: defaultdict[str, deque[BaseException]] = defaultdict(deque)

    def add(self, method: str, *errors: BaseException) -> None:
        """Let the next calls raise these; ValueError for a method that never asks."""
        if method not in self._methods:
            raise ValueError(f"'{method}' cannot fail, but {', '.join(self._methods)} can")
        self._waiting[method].extend(errors)

    def strike(self, method: str) -> None:
        """Raise the error that waits for this call, if there is one."""
        if self._waiting[method]:
            raise self._waiting[method].popleft()
